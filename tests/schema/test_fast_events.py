"""Events on the short way beside graphql-core's own: the same data in the same order, and the same errors."""

# ruff: noqa: ANN401 - rows and answers can be anything

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator  # noqa: TC003 - Strawberry reads it
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql.execution.executor import Executor
from strawberry.schema.config import StrawberryConfig

from schema.context import Info  # noqa: TC001 - Strawberry reads it
from schema.events import EventExecutor
from schema.fast_execution import FastExecutor
from schema.scalars import SCALARS
from tests.schema.awkward import USUAL, VALUES, Cat, Dog, Query, Row, rows_of
from tests.schema.test_fast_execution import MIXED, SELECTIONS, G


@strawberry.type
class Subscription:
    """Each row of the context as an event."""

    @strawberry.subscription
    async def rows(self, info: Info) -> AsyncGenerator[Row | None, None]:
        """Where null may stand."""
        for row in rows_of(info):
            yield row

    @strawberry.subscription
    async def strict_rows(self, info: Info) -> AsyncGenerator[Row, None]:
        """Where it may not."""
        for row in rows_of(info):
            yield row

    @strawberry.subscription
    async def numbers(self, info: Info) -> AsyncGenerator[list[int], None]:
        """Lists without fields."""
        for row in rows_of(info):
            yield row


def build(executor: Any) -> strawberry.Schema:
    """The schema on an executor."""
    config = StrawberryConfig(scalar_map=SCALARS, auto_camel_case=False)
    return strawberry.Schema(
        Query, subscription=Subscription, types=[Dog, Cat], config=config, execution_context_class=executor
    )


STOCK = build(EventExecutor)
FAST = build(FastExecutor)


@pytest.fixture(autouse=True)
def silent() -> Any:
    """Strawberry logs the errors that these rows are made for."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def answers(schema: strawberry.Schema, document: str, rows: list[Any]) -> list[str]:
    """Data and errors of each event with their order and types, without the addresses of objects."""
    results = await schema.subscribe(document, context_value={"rows": rows})
    found = [(each.data, [error.formatted for error in each.errors or []]) async for each in aiter(results)]
    return [re.sub("0x[0-9a-f]+", "0x", repr(each)) for each in found]


def document(field: str, selection: str) -> str:
    """A subscription to a field with a selection, and the fragments that it names."""
    words = "($yes: Boolean = true, $no: Boolean = false)" if "$yes" in selection else ""
    fragments = "fragment F on Row { a f } " if "...F" in selection or "...G" in selection else ""
    return f"subscription{words} {{ z: {field} {{ {selection} }} }} {fragments}{G if '...G' in selection else ''}"


@pytest.mark.parametrize("field", ["rows", "strict_rows"])
@pytest.mark.parametrize("attribute", SELECTIONS)
async def test_awkward_values_answer_as_ever(attribute: str, field: str) -> None:
    """Whatever an event holds that it should not, data and errors are those of the stock executor."""
    text = document(field, f"{SELECTIONS[attribute]} z: a")

    def rows() -> list[Any]:
        return [SimpleNamespace(**USUAL | {attribute: value()}) for value in VALUES.values()]

    assert await answers(STOCK, text, rows()) == await answers(FAST, text, rows())


@pytest.mark.parametrize("selection", MIXED)
async def test_selections_answer_as_ever(selection: str) -> None:
    """Fields that are not plain, aliases, fragments and directives change nothing in the answer."""
    text, rows = document("rows", selection), [SimpleNamespace(**USUAL)] * 2
    assert await answers(STOCK, text, rows) == await answers(FAST, text, rows)


@pytest.mark.parametrize("text", ["subscription { rows { a b } }", "subscription { numbers }"])
async def test_awkward_events_answer_as_ever(text: str) -> None:
    """An event that is no row, or no list, is answered for as the stock executor does."""
    stock, fast = [[value() for value in VALUES.values()] for _ in range(2)]
    assert await answers(STOCK, text, stock) == await answers(FAST, text, fast)


async def test_a_plain_event_does_not_reach_graphql_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event with plain fields is answered by a compiled function alone."""
    monkeypatch.delattr(EventExecutor, "build_per_event_executor")
    monkeypatch.delattr(Executor, "build_per_event_executor")
    assert len(await answers(FAST, "subscription { rows { a b } }", [SimpleNamespace(**USUAL)] * 2)) == 2
