"""Where providers' webhooks arrive: verify, store, answer; the work comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Counter
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.base import WebhookRejected
from services.webhooks import receive

if TYPE_CHECKING:
    from starlette.requests import Request

    from services.coffer import Coffer

MAX_BODY_BYTES: Final = 256 * 1024

_log: Final = structlog.get_logger()
_received: Final = Counter(
    "coffer_webhooks_total", "Webhooks by provider and what became of them.", ["gateway", "result"]
)


def routes(coffer: Coffer) -> list[Route]:
    """The one route of all providers."""

    async def endpoint(request: Request) -> Response:
        gateway = coffer.gateways.get(request.path_params["gateway"])
        if gateway is None:
            return JSONResponse({"error": "no such gateway"}, 404)
        body = await read_limited(request, MAX_BODY_BYTES)
        if body is None:
            _received.labels(gateway.name, "too_large").inc()
            return JSONResponse({"error": "too_large"}, 413)
        try:
            event = gateway.verify_webhook(request.headers, body)
        except WebhookRejected as rejected:
            _received.labels(gateway.name, rejected.reason).inc()
            _log.warning("webhook.rejected", gateway=gateway.name, reason=rejected.reason)
            return JSONResponse({"error": rejected.reason}, 400)
        new = await receive(coffer, gateway.name, event, body)
        _received.labels(gateway.name, "stored" if new else "duplicate").inc()
        return JSONResponse({"received": True})

    return [Route("/webhooks/{gateway}", endpoint, methods=["POST"])]


async def read_limited(request: Request, limit_bytes: int) -> bytes | None:
    """The body, or None as soon as it is larger than the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            return None
        parts.append(part)
    return b"".join(parts)
