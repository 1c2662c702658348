"""Long lists are read in pages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from db.copies import Run
from services.exports import pages_of

ROWS = 7


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=8))
def test_pages_have_every_row_once(bounds: list[tuple[int, int]]) -> None:
    """Runs of any lengths make full pages, the last one aside, with every row once and in its order."""
    runs = [Run(wallet, first, last) for wallet, (first, last) in enumerate(bounds)]
    pages = pages_of(runs, ROWS)
    rows = [[(run.wallet_id, place) for run in page for place in range(run.first, run.last + 1)] for page in pages]
    every = [(run.wallet_id, place) for run in runs for place in range(run.first, run.last + 1)]
    assert ([row for page in rows for row in page], {len(page) for page in rows[:-1]} - {ROWS}) == (every, set())
