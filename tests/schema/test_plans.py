"""Plans beside graphql-core: the same arguments, the same data in the same order, and the same errors."""

# ruff: noqa: ANN401, D101, D102, SLF001 - values can be anything, the names say what these are, graphql-core's schema

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import parse
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from schema.context import Info  # noqa: TC001 - Strawberry reads it
from schema.plans import plan_of
from schema.scalars import SCALARS, BigInt, Credits
from tests.schema.awkward import USUAL, VALUES, Color, Level, build

ROWS = build(None)
CALLS: list[str] = []


@strawberry.input
class Part:
    number: int
    text: str | None = strawberry.UNSET
    color: Color = Color.BLUE


@strawberry.input
class Whole:
    id: strawberry.ID
    credits: Credits
    count: BigInt | None = BigInt(3)
    part: Part | None = None
    parts: list[Part] | None = strawberry.UNSET
    at: datetime | None = None
    metadata: JSON | None = None


@strawberry.input
class Tree:
    value: int
    below: Tree | None = None


@strawberry.input
class Listed:
    tags: list[str] = field(default_factory=lambda: ["a"])


@strawberry.type
class Answer:
    said: str
    sure: int


def said(**arguments: Any) -> Answer:
    CALLS.append(repr(arguments))
    return Answer(said=repr(sorted(arguments.items(), key=lambda each: each[0])), sure=1)


@strawberry.type
class Query:
    @strawberry.field
    async def texts(self, a: str, b: str | None = None, c: str = "c", d: str | None = strawberry.UNSET) -> Answer:
        return said(a=a, b=b, c=c, d=d)

    @strawberry.field
    async def numbers(self, a: int, b: float = 1.5, c: bool | None = None, d: Credits | None = None) -> Answer:
        return said(a=a, b=b, c=c, d=d)

    @strawberry.field
    async def enums(self, a: Color, b: Level | None = Level.LOW) -> Answer | None:
        return said(a=a, b=b)

    @strawberry.field
    async def lists(self, a: list[int], b: list[Color | None] | None = None) -> Answer:
        return said(a=a, b=b)

    @strawberry.field
    async def whole(self, info: Info, input: Whole) -> Answer:
        return said(input=input, field=info.field_name, context=info.context)

    @strawberry.field
    async def tree(self, input: Tree) -> Answer:
        return said(input=input)

    @strawberry.field
    async def listed(self, input: Listed) -> Answer:
        return said(input=input)

    @strawberry.field
    async def boom(self, a: int = 0) -> Answer | None:
        said(a=a)
        raise ValueError("boom")

    @strawberry.field
    async def hard_boom(self, a: int = 0) -> Answer:
        said(a=a)
        raise ValueError("hard boom")

    @strawberry.field
    async def wrong(self, a: int = 0) -> Answer:
        said(a=a)
        return Answer(said="x", sure=a or 2**40)

    @strawberry.field
    async def slow(self) -> Answer:
        await asyncio.sleep(0)
        return said()

    @strawberry.field
    def at_once(self, a: int = 0) -> Answer:
        return said(a=a)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def act(self, input: Part) -> Answer:
        return said(input=input)


STOCK = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))

TEXTS = 'query($a: String!, $b: String, $c: String! = "z", $d: String) { texts(a: $a, b: $b, c: $c, d: $d) { said } }'
NULLABLE = 'query($c: String) { texts(a: "1", c: $c) { said sure } }'
NUMBERS = "query($a: Int!, $b: Float! = 2, $c: Boolean, $d: Credits) { numbers(a: $a, b: $b, c: $c, d: $d) { said } }"
ENUMS = "query($a: Color!, $b: Level) { enums(a: $a, b: $b) { said } }"
LISTS = "query($a: [Int!]!, $b: [Color]) { lists(a: $a, b: $b) { said } }"
WHOLE = "query W($input: Whole!) { whole(input: $input) { said } }"
ACT = "mutation($input: Part!) { named: act(input: $input) { sure said } }"
WHOLE_INPUT = {"id": "w", "credits": 5}

LISTED: list[Any] = [[], [1, 2], 1, [None], [[1]], "x", None, [1, "x"]]
ENUM_LISTS: list[Any] = [None, ["RED", None], "RED", []]
PARTS: list[Any] = [None, {"number": 1}, {"number": "1"}, {}, []]
PART_LISTS: list[Any] = [None, [], [{"number": 1}], {"number": 2}, [None]]
WHOLES: list[Any] = [WHOLE_INPUT, {}, None, [], "x", {"id": "w"}, WHOLE_INPUT | {"x": 1}]
CASES: list[tuple[str, Any]] = [
    *[(TEXTS, each) for each in ({"a": "x"}, {"a": "x", "b": None, "d": "d"}, {"a": 1}, {}, {"a": None}, None)],
    *[(TEXTS, {"a": "x", **more}) for more in ({"c": None}, {"c": "y"}, {"d": None}, {"e": "unknown"}, {"b": ["x"]})],
    *[(NULLABLE, each) for each in ({}, {"c": None}, {"c": "c"}, {"c": 5})],
    *[(NUMBERS, {"a": each}) for each in (1, 2**31, -1, "1", 1.0, 1.5, True, None, [1])],
    *[(NUMBERS, {"a": 1, **more}) for more in ({"b": 1}, {"b": "1"}, {"c": 1}, {"c": False}, {"d": 2**60}, {"d": 7})],
    *[
        (ENUMS, each)
        for each in ({"a": "RED"}, {"a": "red"}, {"a": "RED", "b": "HIGH"}, {"a": 1}, {"a": "RED", "b": None})
    ],
    *[(LISTS, {"a": each}) for each in LISTED],
    *[(LISTS, {"a": [1], "b": each}) for each in ENUM_LISTS],
    *[(WHOLE, {"input": each}) for each in WHOLES],
    *[(WHOLE, {"input": WHOLE_INPUT | {"part": each}}) for each in PARTS],
    *[(WHOLE, {"input": WHOLE_INPUT | {"parts": each}}) for each in PART_LISTS],
    *[
        (WHOLE, {"input": WHOLE_INPUT | {"part": {"number": 1, **more}}})
        for more in ({"color": "RED"}, {"color": None})
    ],
    *[(WHOLE, {"input": WHOLE_INPUT | {"metadata": each}}) for each in (None, {}, {"a": [1]}, "x")],
    *[(WHOLE, {"input": WHOLE_INPUT | {"at": each}}) for each in ("2026-01-02T03:04:05Z", "yesterday", None)],
    *[(WHOLE, {"input": WHOLE_INPUT | {"count": each}}) for each in (None, 2**40, 2**60, "5", 1.5)],
    *[(WHOLE, {"input": WHOLE_INPUT | {"id": each}}) for each in (5, None, True, 1.5)],
    *[(ACT, {"input": each}) for each in ({"number": 1}, {"number": 2**40}, {"number": 1, "text": None}, None)],
    ('{ texts(a: "x") { said } }', None),
    ('{ texts(a: "x", b: null) { s: said sure __typename } }', {}),
    ("{ numbers(a: 5, b: 3, d: 9) { said } }", {}),
    ("{ enums(a: RED) { said } }", {}),
    ("{ lists(a: [1]) { said } }", {}),
    ('{ whole(input: {id: "1", credits: 2}) { said } }', {}),
    ('query($c: Credits!) { whole(input: {id: "1", credits: $c}) { said } }', {"c": 4}),
    ("query($t: Tree!) { tree(input: $t) { said } }", {"t": {"value": 1, "below": {"value": 2}}}),
    ("query($l: Listed!) { listed(input: $l) { said } }", {"l": {}}),
    *[(f"{{ {name} {{ said }} }}", {}) for name in ("boom", "hardBoom", "wrong", "slow", "atOnce")],
    ("query($a: Int) { wrong(a: $a) { sure said } }", {"a": 7}),
    ("query($a: Int) { wrong(a: $a) { sure said } }", {"a": None}),
    ("query($a: Int = 5) { wrong(a: $a) { sure } }", {}),
    ("query($a: Int = 5) { wrong(a: $a) { sure } }", {"a": None}),
    ("{ slow { said } slow { sure } }", {}),
    ("{ slow { said } boom { said } }", {}),
    ("query($y: Boolean!) { slow @include(if: $y) { said } }", {"y": False}),
    ("{ ...F } fragment F on Query { slow { ...A } } fragment A on Answer { sure }", {}),
    ("{ __typename }", {}),
    ("{ __schema { queryType { name } } }", {}),
]


@pytest.fixture(autouse=True)
def silent() -> Any:
    """Strawberry logs the errors that these cases are made for."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def written(result: Any) -> str:
    """Data and errors with their order and types, without the addresses of objects."""
    return re.sub("0x[0-9a-f]+", "0x", repr((result.data, [error.formatted for error in result.errors or []])))


async def both(schema: Any, text: str, variables: Any, context: Any = dict) -> tuple[str, str | None]:
    """What graphql-core answers, and what a plan does, if there is one; both say what the resolver was called with."""
    CALLS.clear()
    stock = written(await schema.execute(text, variables, context_value=context())) + repr(CALLS)
    plan = plan_of(schema._schema, parse(text), None)
    if plan is None:
        return stock, None
    CALLS.clear()
    return stock, written(await plan.run(context(), variables)) + repr(CALLS)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_arguments_arrive_as_ever(case: tuple[str, Any]) -> None:
    """A plan calls the resolver once, with what graphql-core would have called it with, and answers the same."""
    stock, planned = await both(STOCK, *case)
    assert planned in {stock, None}


@pytest.mark.parametrize("value", VALUES)
async def test_awkward_answers_are_answered_as_ever(value: str) -> None:
    """A resolver that returns what it should not makes the same data and errors."""
    for text in ("{ row { a b } }", "{ strict_rows { a b n } }"):
        stock, planned = await both(ROWS, text, None, lambda: {"rows": [VALUES[value](), SimpleNamespace(**USUAL)]})
        assert planned == stock


@pytest.mark.parametrize("text", [TEXTS, NUMBERS, ENUMS, LISTS, WHOLE, ACT, "{ slow { said } }"])
def test_plain_operations_have_plans(text: str) -> None:
    """The operations that plans are for are compiled."""
    assert plan_of(STOCK._schema, parse(text), None) is not None
