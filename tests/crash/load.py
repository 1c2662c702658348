"""Clients that act without a pause and send each act again, with its key, until it is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tests.crash.acts import Act, grant, script
from tests.crash.wire import NotSent, Unanswered, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CLIENTS: Final = 32
WALLETS: Final = 8
"""Few, so that most batches have several spends of one wallet."""

START_CREDITS: Final = 10**9
RETRY_PAUSE_SECONDS: Final = 0.05
GIVE_UP_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.002
RETRYABLE_CODES: Final = {"BUSY"}
_OPEN: Final = (
    "mutation($owner: String!) { act: createWallet(input: {ownerType: USER, ownerId: $owner})"
    " { wallet { id } errors { code message } } }"
)


class Refused(Exception):
    """Every act can be done, so one that can't has lost what it stands on: its wallet, its hold, its credits."""


class Load:
    """CLIENTS clients on WALLETS wallets, over all the servers in turn; every act is remembered with its answer."""

    def __init__(self, urls: Sequence[str], key: str, seed: int) -> None:
        self._seed = seed
        self._wires = [[Wire(url, key) for url in urls] for _ in range(CLIENTS)]
        self._scripts: list[Iterator[Act]] = []
        self._clients: list[asyncio.Task[None]] = []
        self._pausing = False
        self.answered: list[Act] = []

    async def open(self) -> None:
        """Make the wallets and fund them."""
        wires = self._wires[0]
        opened = [await ask(wires[0], _OPEN, {"owner": f"crash-{number}"}) for number in range(WALLETS)]
        wallets = [answer["wallet"]["id"] for answer in opened]
        for number, wallet in enumerate(wallets):
            await self._settle(grant(f"start-{number}", wallet, START_CREDITS), wires)
        self._scripts = [script(f"{self._seed}-{number}", wallets) for number in range(CLIENTS)]

    def go(self) -> None:
        """Let the clients act."""
        self._pausing = False
        clients = zip(self._scripts, self._wires, strict=True)
        self._clients = [asyncio.create_task(self._act(script, wires)) for script, wires in clients]

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
        """Send an answered act once more; its new answer."""
        return await self._answer(replace(act), self._wires[0])

    async def close(self) -> None:
        """End the clients wherever they are."""
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        for wire in (wire for wires in self._wires for wire in wires):
            wire.close()

    async def _act(self, script: Iterator[Act], wires: Sequence[Wire]) -> None:
        while not self._pausing:
            await self._settle(next(script), wires)

    async def _settle(self, act: Act, wires: Sequence[Wire]) -> None:
        act.answer = await self._answer(act, wires)
        self.answered.append(act)

    async def _answer(self, act: Act, wires: Sequence[Wire]) -> Mapping[str, Any]:
        """Send it to the servers in turn until one answers."""
        deadline, attempt = time.monotonic() + GIVE_UP_SECONDS, len(self.answered)
        while True:
            attempt += 1
            try:
                return await ask(wires[attempt % len(wires)], act.document, act.variables)
            except NotSent:
                pass
            except Unanswered:
                act.unanswered += 1
            assert time.monotonic() < deadline, f"no answer to {act.key} in {GIVE_UP_SECONDS} s"
            await asyncio.sleep(RETRY_PAUSE_SECONDS)


async def ask(wire: Wire, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload of an act that happened. NotSent, Unanswered, Refused."""
    answer = await wire.post(document, variables)
    if answer.get("errors") or not answer.get("data"):
        raise Unanswered
    payload: dict[str, Any] = answer["data"]["act"]
    codes = {error["code"] for error in payload["errors"]}
    if codes - RETRYABLE_CODES:
        raise Refused(f"{payload['errors']} to {variables}")
    if codes:
        raise Unanswered
    return payload
