"""What each provider's messages are about, in our words."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from gateways import cashfree, polar, stripe
from gateways.base import EventKind as K
from gateways.inbox import check_standard
from gateways.polar import keys_of
from gateways.polar_answers import ORDER as OWN_ORDER

ORDER, INTENT = {"id": "cs_1"}, {"id": "pi_1"}


@pytest.mark.parametrize(
    ("type_", "data", "event_id", "order_id", "kind"),
    [
        (
            "PAYMENT_SUCCESS_WEBHOOK",
            {"order": {"order_id": "a-1"}, "payment": {"cf_payment_id": "145", "payment_status": "SUCCESS"}},
            "PAYMENT_SUCCESS_WEBHOOK:145:SUCCESS",
            "a-1",
            K.PAYMENT,
        ),
        (
            "PAYMENT_USER_DROPPED_WEBHOOK",
            {"order": {"order_id": "a-1"}, "payment": {"cf_payment_id": 145, "payment_status": "USER_DROPPED"}},
            "PAYMENT_USER_DROPPED_WEBHOOK:145:USER_DROPPED",
            "a-1",
            K.PAYMENT,
        ),
        (
            "REFUND_STATUS_WEBHOOK",
            {"refund": {"cf_refund_id": 11, "refund_status": "SUCCESS", "order_id": "a-1"}},
            "REFUND_STATUS_WEBHOOK:11:SUCCESS",
            "a-1",
            K.REFUND,
        ),
        (
            "SUBSCRIPTION_REFUND_STATUS",
            {"cf_payment_id": 77, "cf_refund_id": 13, "refund_status": "SUCCESS"},
            "SUBSCRIPTION_REFUND_STATUS:13:SUCCESS",
            "77",
            K.REFUND,
        ),
        (
            "SUBSCRIPTION_STATUS_CHANGED",
            {"subscription_details": {"subscription_id": "a1", "subscription_status": "ACTIVE"}},
            "SUBSCRIPTION_STATUS_CHANGED:a1:2026-11-21",
            "a1",
            K.MANDATE,
        ),
        (
            "VENDOR_STATUS_UPDATE",
            {"merchant_vendor_id": "v1", "updated_status": "ACTION_REQUIRED"},
            "VENDOR_STATUS_UPDATE:v1:ACTION_REQUIRED:2026-11-21",
            "v1",
            K.VENDOR,
        ),
        (
            "SUBSCRIPTION_AUTH_STATUS",
            {"subscription_id": "a1", "payment_status": "SUCCESS"},
            "SUBSCRIPTION_AUTH_STATUS:a1:2026-11-21",
            "a1",
            K.MANDATE,
        ),
        (
            "AUTO_REFUND_STATUS_WEBHOOK",
            {"auto_refund": {"cf_refund_id": "12", "refund_status": "PENDING"}},
            "AUTO_REFUND_STATUS_WEBHOOK:12:PENDING",
            None,
            K.REFUND,
        ),
    ],
)
def test_cashfree(type_: str, data: dict[str, Any], event_id: str, order_id: str | None, kind: K) -> None:
    """A message of Cashfree has no id, so what it tells is its id; ids come as texts and as numbers."""
    event = cashfree.read_event(orjson.dumps({"type": type_, "data": data, "event_time": "2026-11-21"}))
    assert (event.event_id, event.order_id, event.kind) == (event_id, order_id, kind)


def test_an_unknown_message_of_cashfree_is_known_by_its_bytes() -> None:
    """The same bytes are the same event, other bytes another one."""
    one, same, other = (cashfree.read_event(b'{"type": "NEW", "at": %d}' % at) for at in (1, 1, 2))
    assert one == same
    assert one.event_id != other.event_id


@pytest.mark.parametrize(
    ("type_", "about", "order_id", "kind"),
    [
        ("checkout.session.completed", ORDER, "cs_1", K.PAYMENT),
        ("checkout.session.async_payment_failed", ORDER, "cs_1", K.PAYMENT),
        ("checkout.session.expired", ORDER, "cs_1", K.PAYMENT),
        ("payment_intent.succeeded", INTENT, "pi_1", K.PAYMENT),
        ("payment_intent.payment_failed", INTENT, "pi_1", K.PAYMENT),
        ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_1"}, "pi_1", K.REFUND),
        ("charge.refund.updated", {"id": "re_1", "payment_intent": "pi_1"}, "pi_1", K.REFUND),
        ("refund.failed", {"id": "re_1", "payment_intent": None}, None, K.REFUND),
        ("charge.dispute.created", {"id": "du_1", "payment_intent": "pi_1"}, "pi_1", K.DISPUTE),
        ("charge.dispute.closed", {"id": "du_1", "payment_intent": "pi_1"}, "pi_1", K.DISPUTE),
        ("radar.early_fraud_warning.created", {"id": "issfr_1", "payment_intent": "pi_1"}, "pi_1", K.DISPUTE),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": "pi_1"}, "pi_1", K.OTHER),
        ("customer.subscription.deleted", {"id": "sub_1"}, "sub_1", K.SUBSCRIPTION),
    ],
)
def test_stripe(type_: str, about: dict[str, Any], order_id: str | None, kind: K) -> None:
    """A message of Stripe speaks of a session or, by the intent it belongs to, of a payment."""
    event = stripe.read_event(orjson.dumps({"id": "evt_1", "type": type_, "data": {"object": about}}))
    assert (event.event_id, event.type, event.order_id, event.kind) == ("evt_1", type_, order_id, kind)


@pytest.mark.parametrize(
    ("type_", "data", "order_id", "kind"),
    [
        ("checkout.updated", {"id": "c1"}, "c1", K.PAYMENT),
        ("order.created", {"id": "o1", "checkout_id": "c1"}, "c1", K.PAYMENT),
        ("order.paid", {"id": "o1", "checkout_id": "c1"}, "c1", K.PAYMENT),
        ("order.paid", {"id": "o1", "checkout_id": None}, OWN_ORDER + "o1", K.PAYMENT),
        ("order.refunded", {"id": "o1", "checkout_id": "c1"}, "o1", K.REFUND),
        ("refund.created", {"id": "r1", "order_id": "o1"}, "o1", K.REFUND),
        ("subscription.active", {"id": "s1", "checkout_id": "c1"}, "s1", K.SUBSCRIPTION),
    ],
)
def test_polar(type_: str, data: dict[str, Any], order_id: str | None, kind: K) -> None:
    """A message of Polar tells an order by the checkout it came from or by itself, and a refund by its order."""
    event = polar.read_event("msg_1", orjson.dumps({"type": type_, "data": data}))
    assert (event.event_id, event.order_id, event.kind) == ("msg_1", order_id, kind)


@pytest.mark.parametrize("secret", ["polar_whs_" + "a!" * 16, "whsec_" + base64.b64encode(b"k" * 32).decode()])
@pytest.mark.parametrize("is_text", [True, False])
def test_a_secret_of_polar_is_read_both_ways(secret: str, is_text: bool) -> None:
    """Polar signs with the bytes of the secret's text; a secret in base64 is good in the standard's reading as well."""
    keys = keys_of(secret)
    assert keys[0] == secret.encode()
    key = keys[0] if is_text else keys[-1]
    sent_at = datetime.now(UTC)
    headers = {"webhook-id": "m", "webhook-timestamp": str(int(sent_at.timestamp()))}
    headers["webhook-signature"] = Webhook(key).sign("m", sent_at, "{}")
    assert check_standard([Webhook(one) for one in keys], headers, b"{}") == "m"


@pytest.mark.parametrize("secret", ["whsec_YQ==", "abc", "whsec_"])
def test_a_short_reading_is_no_key(secret: str) -> None:
    """A reading of a few bytes could be guessed, so it verifies nothing."""
    assert keys_of(secret) == [secret.encode()]
