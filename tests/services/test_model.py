"""The engine against the plain model: any sequence of acts gives the same answers and balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.reconcile import reconcile
from domain.errors import DomainError
from services.grants import adjust_credits, grant_credits
from services.holds import capture_hold, hold
from services.requests import CaptureRequest, GrantRequest, HoldRequest
from services.spending import consume, consume_batch
from services.wallets import get_wallet
from tests.builders import owner_of, spend_of, wallet_with
from tests.services.model import PRICES, Model

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from services.coffer import Coffer

KEYS = st.sampled_from([f"k{number}" for number in range(12)])
SPEND = st.tuples(st.just("spend"), KEYS, st.sampled_from(sorted(PRICES)), st.integers(1, 60))
ACTS = st.one_of(
    SPEND,
    st.tuples(st.just("grant"), KEYS, st.integers(1, 900)),
    st.tuples(st.just("adjust"), KEYS, st.integers(-300, 300).filter(bool)),
    st.tuples(st.just("hold"), KEYS, st.integers(1, 300)),
    st.tuples(st.just("capture"), KEYS, st.integers(1, 300)),
    st.tuples(st.just("batch"), st.lists(SPEND, min_size=2, max_size=12)),
)


class Engine:
    """One wallet of the real engine beside its model."""

    def __init__(self, coffer: Coffer, actor: Any, wallet: Any) -> None:  # noqa: ANN401
        self.coffer, self.actor, self.wallet = coffer, actor, wallet
        self.model = Model()
        self.holds: list[tuple[str, Any]] = []

    async def act(self, step: tuple[Any, ...]) -> None:
        """Do one act in both and compare the answers."""
        kind, *words = step
        if kind == "batch":
            spends = [spend_of(self.wallet.uuid, feature, key, units=units) for _, key, feature, units in words[0]]
            results = await consume_batch(self.coffer, self.actor, spends)
            expected = [self.model.spend(key, feature, units) for _, key, feature, units in words[0]]
            assert [_word(result) for result in results] == expected
        elif kind == "capture":
            if self.holds:
                key, row = self.holds[-1]
                act = capture_hold(self.coffer, self.actor, CaptureRequest(row.uuid, words[0], words[1]))
                await self._compare(act, self.model.capture(key, *words))
        else:
            await self._compare(self._start(kind, words), getattr(self.model, kind)(*words), words)

    def _start(self, kind: str, words: list[Any]) -> Awaitable[Any]:
        where = (self.coffer, self.actor, self.wallet.uuid)
        if kind == "spend":
            return consume(self.coffer, self.actor, spend_of(self.wallet.uuid, words[1], words[0], units=words[2]))
        if kind == "hold":
            return hold(self.coffer, self.actor, HoldRequest(self.wallet.uuid, words[0], words[1]))
        if kind == "grant":
            return grant_credits(self.coffer, self.actor, GrantRequest(self.wallet.uuid, words[1], "model", words[0]))
        return adjust_credits(*where, words[1], "model", words[0])

    async def _compare(self, act: Awaitable[Any], expected: str, words: list[Any] | None = None) -> None:
        try:
            result = await act
        except DomainError as error:
            result = error
        if isinstance(result, DomainError):
            assert result.code.value == expected
            return
        assert expected in {"POSTED", "REPLAYED"}
        if words and hasattr(result, "hold") and expected == "POSTED":
            self.holds.append((words[0], result.hold))

    async def check(self) -> None:
        """Compare the balances."""
        row = await get_wallet(self.coffer, self.actor, self.wallet.uuid)
        assert row is not None
        figures = (row.available_credits, row.reserved_credits, row.sequence)
        assert figures == (self.model.available, self.model.reserved, self.model.sequence)


def _word(result: Any) -> str:  # noqa: ANN401 - a spend or an error
    if isinstance(result, DomainError):
        return str(result.code.value)
    return "REPLAYED" if result.replayed else "POSTED"


async def test_any_sequence_of_acts_agrees_with_the_model(coffer: Coffer, database_url: str) -> None:
    """Spends (one by one and in batches), grants, corrections, holds and captures answer as the model does."""
    actor = await owner_of(coffer)

    async def run(steps: list[tuple[Any, ...]]) -> None:
        engine = Engine(coffer, actor, await wallet_with(coffer, actor, 0))
        for step in steps:
            await engine.act(step)
        await engine.check()

    import asyncio  # noqa: PLC0415 - Hypothesis is synchronous, so its examples run on this loop from a thread

    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(st.lists(ACTS, max_size=25))
    def explore(steps: list[tuple[Any, ...]]) -> None:
        asyncio.run_coroutine_threadsafe(run(steps), loop).result(60)

    await asyncio.to_thread(explore)
    assert (await reconcile(database_url))["violations"] == 0
