"""The HTTP server of a process, on top of its open parts and what runs in the background."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from runtime import collector
from runtime.app import create_app
from runtime.frames import LiveSocket
from runtime.http import LimitedHttp
from runtime.process import background, open_coffer
from runtime.tracing import tracing

if TYPE_CHECKING:
    import socket

    from live.hub import Hub
    from runtime.settings import Settings
    from runtime.sockets import Seats
    from services.coffer import Coffer

STOP_SECONDS: Final = 10
SOCKET_PING_SECONDS: Final = 30
"""The longest that a socket is silent: proxies often close one after 60 s."""

SOCKET_PONG_SECONDS: Final = 20
BACKLOG_CONNECTIONS: Final = 4_096


class Server(uvicorn.Server):
    """uvicorn, which ends the live streams first when it is told to stop."""

    def __init__(self, config: uvicorn.Config, hub: Hub, seats: Seats) -> None:
        super().__init__(config)
        self._hub = hub
        self._seats = seats

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401, ARG002 - uvicorn's signature
        """SIGTERM or Ctrl-C: streams complete, then sockets close with 1001."""
        self._hub.end_subscriptions()
        # Not uvicorn's own, which raises the signal again after a clean stop and so spoils the exit code.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody new, let streams complete and close their sockets with 1001; uvicorn's own way would be 1012."""
        for server in self.servers:
            server.close()
        self._hub.end_subscriptions()
        await self._seats.close_sockets()
        await super().shutdown(sockets)


def make_server(coffer: Coffer, settings: Settings) -> Server:
    """The HTTP server of a process, tuned: no per-message compression, uvloop, httptools."""
    app = create_app(coffer, settings)
    config = uvicorn.Config(
        app,
        host=settings.bind_host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        http=LimitedHttp,
        ws=LiveSocket,
        ws_per_message_deflate=False,
        ws_max_size=settings.limits.max_socket_message_bytes,
        ws_ping_interval=SOCKET_PING_SECONDS,
        ws_ping_timeout=SOCKET_PONG_SECONDS,
        backlog=BACKLOG_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
        server_header=False,
        # Which proxies are believed is a setting of ours: see runtime/origins.py.
        proxy_headers=False,
    )
    return Server(config, coffer.hub, app.state.seats)


async def serve(settings: Settings, database_url: str, redis_url: str) -> None:
    """Serve and work until SIGTERM or Ctrl-C."""
    async with open_coffer(settings, database_url, redis_url) as coffer, background(coffer, settings):
        server = make_server(coffer, settings)
        with tracing():
            async with collector.paced():
                await server.serve()
