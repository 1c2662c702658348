"""The ASGI application: routes, request ids, health."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from runtime import checkout, downloads, simulated, webhooks
from runtime.auth import Authenticator
from runtime.budgets import RATE_FIELDS
from runtime.exports import Exports
from runtime.graphql_view import GraphQLView
from runtime.origins import trusting
from runtime.quick import QuickAnswers
from runtime.storage import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from runtime.settings import Settings
    from services.coffer import Coffer

READY_SECONDS: Final = 2.0
_STATIC: Final = Path(__file__).parent / "static"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECURITY: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""For every answer; a page brings a content-security-policy of its own."""

_HTTPS_ONLY: Final = {"strict-transport-security": "max-age=31536000"}

_log: Final = structlog.get_logger()
_seconds: Final = Histogram("coffer_http_request_seconds", "Time to answer.", ["method", "path", "status"])


def create_app(coffer: Coffer, settings: Settings) -> Starlette:
    """Everything that is served over HTTP and WebSocket."""
    authenticator = Authenticator(coffer, settings.jwt_secret)
    view = GraphQLView(coffer, authenticator, settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await view.budgets.close()

    routes = [
        Route("/", lambda _request: RedirectResponse("/graphql")),
        Route("/graphql", view, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", view),
        *Exports(coffer, authenticator, view.budget_of).routes(),
        *downloads.routes(coffer, authenticator, open_store(settings)),
        *webhooks.routes(coffer),
        *checkout.routes(settings),
        *(simulated.routes(coffer, settings) if settings.accounts.has_simulated else []),
        Route("/healthz", _healthy),
        Route("/readyz", _ready(coffer)),
        Route("/metrics", _metrics),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    app = Starlette(lifespan=lifespan, routes=routes, middleware=_middleware(settings, view))
    app.state.seats = view.seats
    return app


def _middleware(settings: Settings, view: GraphQLView) -> list[Middleware]:
    """What every request passes, the outermost first."""
    return [
        *trusting(settings.origins),
        Middleware(RequestMiddleware, https=settings.public_url.startswith("https:")),
        Middleware(QuickAnswers, view=view),
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=[*RATE_FIELDS, "x-request-id"],
        ),
    ]


class RequestMiddleware:
    """Gives each request an id, the security headers and a time."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        headers = _SECURITY | (_HTTPS_ONLY if https else {})
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.get("headers", ())
                there = {name for name, _ in headers}
                more = [header for header in self._headers if header[0] not in there]
                message["headers"] = [*headers, *more, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            _timer(scope["method"], path, status).observe(time.perf_counter() - started)


@lru_cache(maxsize=1_000)
def _timer(method: str, path: str, status: int) -> Histogram:
    """The histogram of these labels: looking them up takes longer than counting."""
    return _seconds.labels(method, path, status)


def _request_id(scope: Scope) -> str:
    """The id that the client sent, if it is one, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            sent = value.decode("latin-1")
            return sent if _REQUEST_ID.fullmatch(sent) else os.urandom(16).hex()
    return os.urandom(16).hex()


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _ready(coffer: Coffer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        checks = {"database": coffer.database.ping, "redis": coffer.hub.ping}
        faults = {}
        for name, check in checks.items():
            try:
                async with asyncio.timeout(READY_SECONDS):
                    await check()
            except Exception as fault:  # noqa: BLE001 - any fault means not ready
                _log.warning("not_ready", part=name, fault=repr(fault))
                faults[name] = "does not answer"
        body = {name: faults.get(name, "ok") for name in checks}
        return JSONResponse(body, 503 if faults else 200)

    return endpoint


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
