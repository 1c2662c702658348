"""Where providers' webhooks arrive: verify, store, answer; the work comes after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.base import WebhookRejected
from services.webhooks import Intake

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive

    from gateways.base import Gateway
    from gateways.payouts import PayoutGateway
    from services.coffer import Coffer

MAX_BODY_BYTES: Final = 256 * 1024
BODY_SECONDS: Final = 10.0

_log: Final = structlog.get_logger()
_received: Final = Counter(
    "coffer_webhooks_total", "Webhooks by provider and what became of them.", ["gateway", "result"]
)


def routes(coffer: Coffer) -> list[Route]:
    """Make the one route of all providers."""
    intake = Intake(coffer)

    async def endpoint(request: Request) -> Response:
        name = request.path_params["gateway"]
        gateway = coffer.gateways.get(name) or coffer.payers.get(name)
        if gateway is None:
            return JSONResponse({"error": "no_such_gateway"}, 404)
        body = await read_in_time(request, MAX_BODY_BYTES)
        if body is None:
            return _refuse(gateway, "too_large", 413)
        try:
            event = gateway.verify_webhook(request.headers, body)
        except WebhookRejected as rejected:
            return _refuse(gateway, rejected.reason, 400)
        new = await intake.receive(gateway.name, event, body)
        _received.labels(gateway.name, "stored" if new else "duplicate").inc()
        return JSONResponse({"received": True})

    return [Route("/webhooks/{gateway}", endpoint, methods=["POST"])]


async def read_in_time(request: Request, limit_bytes: int) -> bytes | None:
    """Read the body like read_limited; a client that takes longer than BODY_SECONDS gets 408."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await read_limited(request, limit_bytes)
    except (TimeoutError, ClientDisconnect) as fault:
        raise HTTPException(408) from fault


async def read_limited(request: Request, limit_bytes: int) -> bytes | None:
    """Read the body; None as soon as it is larger than the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            return None
        parts.append(part)
    return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive function for a body that was read already; after it come the client's own messages."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refuse(gateway: Gateway | PayoutGateway, reason: str, status: int) -> Response:
    """Answer with a word: the body is not to be trusted, so it is not echoed or logged."""
    _received.labels(gateway.name, reason).inc()
    _log.warning("webhook.rejected", gateway=gateway.name, reason=reason)
    return JSONResponse({"error": reason}, status)
