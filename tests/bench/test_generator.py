"""The history that benchmarks run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import generator
from bench.generator import History, fill
from db.reconcile import reconcile

if TYPE_CHECKING:
    import pytest

ROWS = 10_000


async def test_a_generated_history_keeps_every_promise(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """History that was written in several chunks has no violation, rollup included."""
    monkeypatch.setattr(generator, "CHUNK_ROWS", 3_000)
    await fill(database_url, History(ROWS, wallets=30, days=40), lambda _rows: None)
    report = await reconcile(database_url)
    assert (report["transactions"], report["violations"]) == (ROWS, 0), report
