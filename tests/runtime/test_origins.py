"""Where a request came from: what proxies say counts only when they are trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from runtime.origins import RequestOrigins, trusting
from runtime.settings import Origins

if TYPE_CHECKING:
    from starlette.requests import Request

PROXY, STRANGER = "10.0.0.7", "198.51.100.9"
SAID = {"x-forwarded-for": "192.0.2.66, 203.0.113.7", "cf-ipcountry": "US", "x-device-id": "phone-1"}


async def seen(origins: Origins, peer: str, headers: dict[str, str]) -> tuple[str | None, str | None]:
    """The address and country that a request is taken to come from."""
    reader = RequestOrigins(origins)

    async def tell(request: Request) -> JSONResponse:
        client = reader.client(request)
        return JSONResponse([client.address, client.country])

    app = Starlette(routes=[Route("/", tell)], middleware=list(trusting(origins)))
    transport = httpx.ASGITransport(app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        address, country = (await client.get("/", headers=headers)).json()
        return address, country


@pytest.mark.parametrize(
    ("trusted", "peer", "expected"),
    [
        ((), PROXY, (PROXY, None)),
        (("10.0.0.0/8",), STRANGER, (STRANGER, None)),
        (("10.0.0.0/8",), PROXY, ("203.0.113.7", "US")),
        (("10.0.0.7",), PROXY, ("203.0.113.7", "US")),
        (("10.0.0.0/8", "203.0.113.0/24"), PROXY, ("192.0.2.66", "US")),
        (("10.0.0.8",), PROXY, (PROXY, None)),
    ],
)
async def test_only_trusted_proxies_are_believed(
    trusted: tuple[str, ...], peer: str, expected: tuple[str, str | None]
) -> None:
    """The address is the last one that no trusted proxy has; a country counts only from such a proxy."""
    assert await seen(Origins(trusted), peer, SAID) == expected


@pytest.mark.parametrize(("said", "country"), [("IN", "IN"), ("T1", "T1"), ("XX", None), ("in", None), ("USA", None)])
async def test_a_country_is_two_letters(said: str, country: str | None) -> None:
    """What is no country of a header, or stands for an unknown one, counts as unknown."""
    assert (await seen(Origins((PROXY,)), PROXY, {"cf-ipcountry": said}))[1] == country
