"""Where a request came from: its address, as far as proxies are trusted, its country and its device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import maxminddb
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from domain.fraud import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Receive, Scope, Send

    from runtime.settings import Origins

MAX_TEXT_CHARACTERS: Final = 255
_COUNTRY: Final = re.compile(r"[A-Z][A-Z0-9]")
_UNKNOWN: Final = "XX"
"""What Cloudflare says when it does not know."""

_BELIEVED: Final = "coffer.country"


class RequestOrigins:
    """Reads where requests come from."""

    def __init__(self, settings: Origins) -> None:
        self._settings = settings
        self._countries = maxminddb.open_database(settings.country_file) if settings.country_file else None

    def client(self, request: HTTPConnection) -> Client:
        """The origin of a request; a header that says too much counts as absent."""
        address = request.client.host if request.client else None
        device, agent = (_short(request.headers.get(name)) for name in (self._settings.device_header, "user-agent"))
        country = request.scope.get(_BELIEVED) or self._country(address)
        return Client(address, country, device, agent, self._settings.home_country)

    def _country(self, address: str | None) -> str | None:
        """The country of an address by the file; None for one that is not in it."""
        try:
            found = self._countries.get(address) if self._countries and address else None
        except ValueError:
            # A unix socket's peer has no address.
            return None
        country = found.get("country") if isinstance(found, dict) else None
        code = country.get("iso_code") if isinstance(country, dict) else None
        return str(code) if code else None


class TrustedCountry:
    """Keeps what a trusted proxy says of the country; anybody else may say what they like."""

    def __init__(self, app: ASGIApp, settings: Origins) -> None:
        self._app = app
        self._header = settings.country_header.encode()
        # Its own reading of addresses and networks, so that both believe the same proxies.
        self._proxies = ProxyHeadersMiddleware(app, list(settings.trusted_proxies)).trusted_hosts  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        peer = scope.get("client")
        if scope["type"] in {"http", "websocket"} and peer and peer[0] in self._proxies:
            said = next((value.decode("latin-1") for name, value in scope["headers"] if name == self._header), "")
            if _COUNTRY.fullmatch(said) and said != _UNKNOWN:
                scope[_BELIEVED] = said
        await self._app(scope, receive, send)


def trusting(settings: Origins) -> Iterator[Middleware]:
    """What stands in front of the application when there are trusted proxies: nothing else costs a request anything."""
    if settings.trusted_proxies:
        yield Middleware(TrustedCountry, settings)
        yield Middleware(ProxyHeadersMiddleware, list(settings.trusted_proxies))


def _short(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_TEXT_CHARACTERS else None
