"""Clients that act without a pause and send each act again, with its key, until it is answered."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.crash.acts import Act, grant, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CLIENTS: Final = 32
WALLETS: Final = 8
"""Few, so that most batches have several spends of one wallet."""

START_CREDITS: Final = 10**9
REQUEST_SECONDS: Final = 30.0
RETRY_PAUSE_SECONDS: Final = 0.05
GIVE_UP_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.002
RETRYABLE_CODES: Final = {"BUSY"}
_OPEN: Final = (
    "mutation($owner: String!) { act: createWallet(input: {ownerType: USER, ownerId: $owner})"
    " { wallet { id } errors { code message } } }"
)


class Load:
    """CLIENTS clients on WALLETS wallets, over all the servers in turn; every act is remembered with its answer."""

    def __init__(self, urls: Sequence[str], key: str, seed: int) -> None:
        self._urls = urls
        self._seed = seed
        headers = {"authorization": f"Bearer {key}"}
        limits = httpx.Limits(max_connections=2 * CLIENTS, max_keepalive_connections=2 * CLIENTS)
        self._http = httpx.AsyncClient(headers=headers, timeout=REQUEST_SECONDS, limits=limits, trust_env=False)
        self._scripts: list[Iterator[Act]] = []
        self._clients: list[asyncio.Task[None]] = []
        self._pausing = False
        self.answered: list[Act] = []

    async def open(self) -> None:
        """Make the wallets and fund them."""
        wallets = []
        for number in range(WALLETS):
            answer = await self._ask(self._urls[0], _OPEN, {"owner": f"crash-{number}"})
            assert answer, "the server did not make a wallet"
            wallets.append(answer["wallet"]["id"])
        for number, wallet in enumerate(wallets):
            await self._settle(grant(f"start-{number}", wallet, START_CREDITS))
        self._scripts = [script(f"{self._seed}-{number}", wallets) for number in range(CLIENTS)]

    def go(self) -> None:
        """Let the clients act."""
        self._pausing = False
        self._clients = [asyncio.create_task(self._act(script)) for script in self._scripts]

    async def pause(self) -> None:
        """Stop drawing acts, and return when every act that was sent has its answer."""
        self._pausing = True
        await asyncio.gather(*self._clients)

    async def until(self, acts: int) -> None:
        """Return when that many acts in all are answered; fail when a client failed."""
        while len(self.answered) < acts:
            for client in self._clients:
                if client.done():
                    client.result()
            await asyncio.sleep(POLL_SECONDS)

    async def again(self, act: Act) -> Mapping[str, Any]:
        """Send an answered act once more."""
        answer = await self._ask(self._urls[0], act.document, act.variables)
        assert answer is not None, "no answer though nothing was killed"
        return answer

    async def close(self) -> None:
        """End the clients wherever they are."""
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._http.aclose()

    async def _act(self, script: Iterator[Act]) -> None:
        while not self._pausing:
            await self._settle(next(script))

    async def _settle(self, act: Act) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for attempt in count(len(self.answered)):
            url = self._urls[attempt % len(self._urls)]
            with suppress(httpx.ConnectError):
                act.answer = await self._ask(url, act.document, act.variables)
                if act.answer is not None:
                    self.answered.append(act)
                    return
                act.unanswered += 1
            assert time.monotonic() < deadline, f"no answer to {act.key} in {GIVE_UP_SECONDS} s"
            await asyncio.sleep(RETRY_PAUSE_SECONDS)

    async def _ask(self, url: str, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The payload; None when nobody knows whether the act happened. ConnectError when it did not.

        A refusal is a failure of the run.
        """
        try:
            response = await self._http.post(f"{url}/graphql", json={"query": document, "variables": variables})
            answer = response.json()
        except httpx.ConnectError:
            raise
        except (httpx.TransportError, ValueError):
            return None
        if answer.get("errors") or not answer.get("data"):
            return None
        payload: dict[str, Any] = answer["data"]["act"]
        codes = {error["code"] for error in payload["errors"]}
        assert codes <= RETRYABLE_CODES, f"refused: {payload['errors']} to {variables}"
        return None if codes else payload
