"""How each provider signs a message, written a second time, and a message of each."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from stripe import WebhookSignature

from gateways.cashfree import CashfreeGateway
from gateways.cashfree_payouts import CashfreePayouts
from gateways.polar import PolarGateway
from gateways.simulated import SimulatedGateway
from gateways.stripe import StripeGateway
from tests.gateways.fake_cashfree import account as cashfree_account
from tests.gateways.fake_cashfree_payouts import account as payouts_account
from tests.gateways.fake_polar import account as polar_account
from tests.gateways.fake_stripe import account as stripe_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateways.base import Gateway
    from gateways.payouts import PayoutGateway

NOWHERE: Final = "http://127.0.0.1:9"
NEW, OLD, FORGED = "whsec_" + "5e" * 32, "whsec_" + "01" * 32, "whsec_" + "ff" * 32
STANDARD: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
MEGABYTE: Final = 1_048_576


@dataclass(frozen=True)
class Provider:
    """How one provider signs; `sign` takes a body, a secret and the message's age in seconds.

    `headers` are those of the signature, the signature itself last; `join` puts two signatures into one header.
    """

    name: str
    gateway: Callable[[], Gateway | PayoutGateway]
    sign: Callable[[bytes, str, float], dict[str, str]]
    type: str
    body: bytes
    unknown: bytes
    headers: tuple[str, ...]
    longest_seconds: int = 300
    kind: str = "payment"
    join: Callable[[str, str], str] | None = None


def sign_standard(body: bytes, secret: str, age_seconds: float) -> dict[str, str]:
    """By the Standard Webhooks rule, with the whole text of the secret as the key."""
    timestamp = str(int(time.time() - age_seconds))
    digest = hmac.new(secret.encode(), b"msg_1." + timestamp.encode() + b"." + body, "sha256").digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signature}


def sign_cashfree(body: bytes, secret: str, age_seconds: float) -> dict[str, str]:
    """By the rule that Cashfree documents, written here a second time."""
    timestamp = str(int((time.time() - age_seconds) * 1000))
    digest = hmac.new(secret.encode(), timestamp.encode() + body, "sha256").digest()
    return {"x-webhook-timestamp": timestamp, "x-webhook-signature": base64.b64encode(digest).decode()}


def sign_stripe(body: bytes, secret: str, age_seconds: float) -> dict[str, str]:
    """By Stripe's own library, where the body is text."""
    timestamp = int(time.time() - age_seconds)
    try:
        signature = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)
    except UnicodeDecodeError:
        signature = f"t={timestamp},v1={hmac.new(secret.encode(), b'%d.%s' % (timestamp, body), 'sha256').hexdigest()}"
    return {"stripe-signature": signature}


PROVIDERS = {
    "simulated": Provider(
        name="simulated",
        gateway=lambda: SimulatedGateway(NOWHERE, [NEW, OLD]),
        sign=sign_standard,
        body=b'{"type": "payment.succeeded", "data": {"order_id": "sim_1", "amount": 602.00}}',
        unknown=b'{"type": "account.renamed"}',
        type="payment.succeeded",
        headers=STANDARD,
        join=lambda one, other: f"{one} {other}",
    ),
    "cashfree": Provider(
        name="cashfree",
        gateway=lambda: CashfreeGateway(replace(cashfree_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_cashfree,
        body=b'{"data":{"order":{"order_id":"ab-1","order_amount":602.00},"payment":{"cf_payment_id":"145",'
        b'"payment_status":"SUCCESS"}},"event_time":"2026-11-21T12:00:00+05:30","type":"PAYMENT_SUCCESS_WEBHOOK"}',
        unknown=b'{"data":{"test_object":{"test_key":"test_value"}},"type":"WEBHOOK"}',
        type="PAYMENT_SUCCESS_WEBHOOK",
        headers=("x-webhook-timestamp", "x-webhook-signature"),
        longest_seconds=3_600,
    ),
    "cashfree-payouts": Provider(
        name="cashfree-payouts",
        gateway=lambda: CashfreePayouts(replace(payouts_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_cashfree,
        type="TRANSFER_SUCCESS",
        body=b'{"data":{"transfer_id":"ab1","cf_transfer_id":"1","status":"SUCCESS","transfer_amount":602.00},'
        b'"event_time":"2026-11-21T12:00:00","type":"TRANSFER_SUCCESS"}',
        unknown=b'{"data":{"batch_transfer_id":"b","status":"REJECTED"},"type":"BULK_TRANSFER_REJECTED"}',
        headers=("x-webhook-timestamp", "x-webhook-signature"),
        longest_seconds=3_600,
        kind="payout",
    ),
    "polar": Provider(
        name="polar",
        gateway=lambda: PolarGateway(replace(polar_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_standard,
        type="order.paid",
        body=b'{"type": "order.paid", "api_version": "2026-10", "data": {"checkout_id": "0b0e", "net_amount": 60200}}',
        unknown=b'{"type": "benefit_grant.created", "data": {"id": "0b0e"}}',
        headers=STANDARD,
        join=lambda one, other: f"{one} {other}",
    ),
    "stripe": Provider(
        name="stripe",
        gateway=lambda: StripeGateway(replace(stripe_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_stripe,
        type="checkout.session.completed",
        body=b'{"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1", "a": 60200}}}',
        unknown=b'{"id": "evt_2", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}}',
        headers=("stripe-signature",),
        join=lambda one, other: f"{one},{other.partition(',')[2]}",
    ),
}
