"""The engine against the plain model: any sequence of movements gives the same answers, balances and lots."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from db.reconcile import reconcile
from runtime.process import open_coffer
from tests.builders import owner_of, wallet_with
from tests.long import examples
from tests.services.engine_beside_model import KEYS, Engine
from tests.services.model import PRICES

if TYPE_CHECKING:
    from runtime.settings import Settings
    from services.coffer import Coffer

KEY = st.sampled_from(KEYS)
SPEND = st.tuples(st.just("spend"), KEY, st.sampled_from(sorted(PRICES)), st.integers(1, 60))
ACTS = st.one_of(
    SPEND,
    st.tuples(st.just("batch"), st.lists(SPEND, min_size=2, max_size=12)),
    st.tuples(st.just("grant"), KEY, st.integers(1, 900), st.sampled_from([10, 50, 100]), st.booleans()),
    st.tuples(st.just("adjust"), KEY, st.integers(-300, 300).filter(bool)),
    st.tuples(st.just("hold"), KEY, st.integers(1, 300)),
    st.tuples(st.just("capture"), KEY, st.integers(1, 300), st.booleans()),
    st.tuples(st.just("release"), KEY),
    st.tuples(st.just("payout"), KEY, st.integers(1, 300)),
    st.tuples(st.just("close payout"), KEY, st.booleans()),
    st.tuples(st.just("transfer"), KEY, st.integers(1, 400)),
    st.tuples(st.just("gift"), KEY, st.integers(1, 300)),
    st.tuples(st.just("close gift"), st.booleans()),
    st.tuples(st.just("claw back"), st.integers(1, 500)),
    st.tuples(st.just("purchase"), st.integers(1, 900)),
    st.tuples(st.just("freeze"), st.booleans()),
    st.tuples(st.just("lots end")),
    st.tuples(st.just("holds end")),
    st.tuples(st.just("settle")),
)
STEPS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), ACTS), max_size=25)
EXAMPLES = examples(60, 1_500)


@pytest.mark.timeout(60 + 3 * EXAMPLES)
async def test_any_sequence_of_movements_agrees_with_the_model(
    coffer: Coffer, settings: Settings, database_url: str, redis_url: str
) -> None:
    """All movements, alone and in batches, through two processes' connections, answer and leave what the model says."""
    actor = await owner_of(coffer)
    admin = await asyncpg.connect(database_url)
    loop = asyncio.get_running_loop()

    async def run(steps: list[tuple[int, int, tuple[Any, ...]]], coffers: list[Coffer]) -> None:
        engine = Engine(coffers, actor, [await wallet_with(coffer, actor, 0) for _ in range(2)], admin)
        for process, place, step in steps:
            await engine.act(process, place, step)
        await engine.check()

    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(open_coffer(settings, database_url, redis_url))
        coffers = [coffer, other]

        @search(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
        @given(STEPS)
        def explore(steps: list[tuple[int, int, tuple[Any, ...]]]) -> None:
            asyncio.run_coroutine_threadsafe(run(steps, coffers), loop).result(60)

        # Hypothesis is synchronous, so its examples run on this loop from a thread.
        await asyncio.to_thread(explore)
    await admin.close()
    assert (await reconcile(database_url))["violations"] == 0
