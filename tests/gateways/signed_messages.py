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


@dataclass(frozen=True)
class Provider:
    """How one provider signs; `sign` takes a body, a secret, the message's age in seconds and its id.

    `body` and `unknown` are made for an id; `headers` are those of the signature, the signature itself last; `join`
    puts two signatures into one header.
    """

    name: str
    gateway: Callable[[], Gateway | PayoutGateway]
    sign: Callable[[bytes, str, float, str], dict[str, str]]
    type: str
    body: Callable[[str], bytes]
    unknown: Callable[[str], bytes]
    headers: tuple[str, ...]
    longest_seconds: int = 300
    kind: str = "payment"
    join: Callable[[str, str], str] | None = None


def sign_standard(body: bytes, secret: str, age_seconds: float = 0, event_id: str = "msg_1") -> dict[str, str]:
    """By the Standard Webhooks rule, with the whole text of the secret as the key."""
    timestamp = str(int(time.time() - age_seconds))
    digest = hmac.digest(secret.encode(), f"{event_id}.{timestamp}.".encode() + body, "sha256")
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def sign_cashfree(body: bytes, secret: str, age_seconds: float = 0, _event_id: str = "") -> dict[str, str]:
    """By the rule that Cashfree documents, written here a second time."""
    timestamp = str(int((time.time() - age_seconds) * 1000))
    digest = hmac.digest(secret.encode(), timestamp.encode() + body, "sha256")
    return {"x-webhook-timestamp": timestamp, "x-webhook-signature": base64.b64encode(digest).decode()}


def sign_stripe(body: bytes, secret: str, age_seconds: float = 0, _event_id: str = "") -> dict[str, str]:
    """By Stripe's own library, where the body is text."""
    timestamp = int(time.time() - age_seconds)
    try:
        signature = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)
    except UnicodeDecodeError:
        signature = f"t={timestamp},v1={hmac.digest(secret.encode(), b'%d.%s' % (timestamp, body), 'sha256').hex()}"
    return {"stripe-signature": signature}


def _made(text: str) -> Callable[[str], bytes]:
    return lambda event_id: text.replace("ID", event_id).encode()


_STANDARD: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
PROVIDERS: Final = {
    "cashfree": Provider(
        name="cashfree",
        gateway=lambda: CashfreeGateway(replace(cashfree_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_cashfree,
        type="PAYMENT_SUCCESS_WEBHOOK",
        body=_made(
            '{"data":{"order":{"order_id":"ab-1","order_amount":602.00},"payment":{"cf_payment_id":"ID",'
            '"payment_status":"SUCCESS"}},"event_time":"2026-11-21T12:00:00+05:30","type":"PAYMENT_SUCCESS_WEBHOOK"}'
        ),
        unknown=_made('{"data":{"test_object":{"test_key":"ID"}},"type":"WEBHOOK"}'),
        headers=("x-webhook-timestamp", "x-webhook-signature"),
        longest_seconds=3_600,
    ),
    "cashfree-payouts": Provider(
        name="cashfree-payouts",
        gateway=lambda: CashfreePayouts(replace(payouts_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_cashfree,
        type="TRANSFER_SUCCESS",
        body=_made(
            '{"data":{"transfer_id":"ID","cf_transfer_id":"ID","status":"SUCCESS","transfer_amount":602.00},'
            '"event_time":"2026-11-21T12:00:00","type":"TRANSFER_SUCCESS"}'
        ),
        unknown=_made('{"data":{"batch_transfer_id":"ID","status":"REJECTED"},"type":"BULK_TRANSFER_REJECTED"}'),
        headers=("x-webhook-timestamp", "x-webhook-signature"),
        longest_seconds=3_600,
        kind="payout",
    ),
    "stripe": Provider(
        name="stripe",
        gateway=lambda: StripeGateway(replace(stripe_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_stripe,
        type="checkout.session.completed",
        body=_made(
            '{"id": "ID", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1", "a": 60200}}}'
        ),
        unknown=_made('{"id": "ID", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}'),
        headers=("stripe-signature",),
        join=lambda one, other: f"{one},{other.partition(',')[2]}",
    ),
    "polar": Provider(
        name="polar",
        gateway=lambda: PolarGateway(replace(polar_account(NOWHERE), secrets=[NEW, OLD])),
        sign=sign_standard,
        type="order.paid",
        body=_made('{"type": "order.paid", "api_version": "2026-10", "data": {"checkout_id": "0b0e", "net": 60200}}'),
        unknown=_made('{"type": "benefit_grant.created", "data": {"id": "0b0e"}}'),
        headers=_STANDARD,
        join=lambda one, other: f"{one} {other}",
    ),
    "simulated": Provider(
        name="simulated",
        gateway=lambda: SimulatedGateway(NOWHERE, [NEW, OLD]),
        sign=sign_standard,
        type="payment.succeeded",
        body=_made('{"type": "payment.succeeded", "data": {"order_id": "sim_1", "amount": 602.00}}'),
        unknown=_made('{"type": "account.renamed"}'),
        headers=_STANDARD,
        join=lambda one, other: f"{one} {other}",
    ),
}
