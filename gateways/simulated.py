"""The simulated provider, from Coffer's side: an HTTP client and a webhook verifier, like any other provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson
from standardwebhooks import Webhook, WebhookVerificationError

from domain.purchases import PurchaseStatus
from gateways.base import (
    GatewayRefused,
    GatewayUnavailable,
    Order,
    OrderRequest,
    Payment,
    RefundRequest,
    WebhookEvent,
    WebhookRejected,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
ATTEMPTS: Final = 3
_SERVER_FAULT: Final = 500
_REFUSED: Final = 400

_STATUSES: Final = {
    "open": PurchaseStatus.PROCESSING,
    "pending": PurchaseStatus.PENDING,
    "paid": PurchaseStatus.SUCCESS,
    "failed": PurchaseStatus.FAILED,
    "refunded": PurchaseStatus.SUCCESS,
    "partially_refunded": PurchaseStatus.SUCCESS,
}


class SimulatedGateway:
    """Calls the provider at `base_url`; `secrets` are the webhook secrets in force, the newest first."""

    name = "simulated"

    def __init__(self, base_url: str, secrets: Sequence[str]) -> None:
        self._secrets = secrets
        headers = {"authorization": f"Bearer {secrets[0]}"}
        self._client = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT, headers=headers, trust_env=False)

    async def create_order(self, request: OrderRequest) -> Order:
        """Open an order; the same reference gives the same order."""
        body = {
            "reference": request.reference,
            "amount_minor": request.total_minor,
            "currency": request.currency,
            "method": request.method,
            "fails": request.simulate_failure,
        }
        answer = await self._call("POST", "/simulated/orders", body)
        return Order(answer["id"], answer["checkout_url"])

    async def fetch_payment(self, order_id: str) -> Payment:
        """Read how an order stands."""
        answer = await self._call("GET", f"/simulated/orders/{order_id}")
        status = _STATUSES[answer["status"]]
        return Payment(
            order_id=answer["id"],
            reference=answer["reference"],
            payment_id=f"pay_{answer['id']}" if status is PurchaseStatus.SUCCESS else None,
            status=status,
            total_minor=answer["amount_minor"],
            currency=answer["currency"],
            failure_reason=answer["failure_reason"],
        )

    async def refund(self, request: RefundRequest) -> str:
        """Give money back; the same reference refunds once."""
        body = {"reference": request.reference, "amount_minor": request.total_minor}
        answer = await self._call("POST", f"/simulated/orders/{request.order_id}/refunds", body)
        return str(answer["id"])

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check a Standard Webhooks signature (any secret in force, 5 minutes either way) and read the event."""
        wanted = ("webhook-id", "webhook-timestamp", "webhook-signature")
        if any(name not in headers for name in wanted):
            raise WebhookRejected("missing_header")
        self._verify_signature({name: headers[name] for name in wanted}, body)
        try:
            event = orjson.loads(body)
            return WebhookEvent(headers["webhook-id"], str(event["type"]), event.get("data", {}).get("order_id"))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise WebhookRejected("malformed") from fault

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def _verify_signature(self, headers: dict[str, str], body: bytes) -> None:
        reason = "bad_signature"
        for secret in self._secrets:
            try:
                Webhook(secret.encode()).verify(body, headers)
            except WebhookVerificationError as fault:
                reason = "bad_timestamp" if "timestamp" in str(fault).lower() else reason
            except ValueError:
                # The library lets some malformed headers and bodies out as plain ValueErrors.
                reason = "malformed"
            else:
                return
        raise WebhookRejected(reason)

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call, again after a lost answer: every call is idempotent by its reference."""
        fault: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                answer = await self._client.request(method, path, json=body)
            except httpx.TransportError as error:
                fault = error
                continue
            if answer.status_code < _REFUSED:
                return answer.json()
            if answer.status_code < _SERVER_FAULT:
                raise GatewayRefused(str(answer.json().get("error", "The provider refused.")))
            fault = httpx.HTTPStatusError("server fault", request=answer.request, response=answer)
        raise GatewayUnavailable("The payment provider does not answer.") from fault
