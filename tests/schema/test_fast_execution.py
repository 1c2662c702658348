"""The fast executor beside graphql-core's own: the same data in the same order, and the same errors."""

# ruff: noqa: ANN401 - rows and answers can be anything

from __future__ import annotations

import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest

from schema.fast_execution import FastExecutor
from tests.schema.awkward import USUAL, VALUES, build

STOCK = build(None)
FAST = build(FastExecutor)

SELECTIONS: dict[str, str] = {
    "a": "a",
    "b": "b made",
    "i": "i",
    "f": "f",
    "t": "t",
    "n": "n a",
    "s": "s",
    "color": "color",
    "level": "level",
    "credits": "credits",
    "count": "count",
    "at": "at",
    "day": "day",
    "price": "price",
    "uuid": "uuid",
    "json": "json",
    "tags": "tags",
    "grid": "grid",
    "holes": "holes",
    "inner": "inner { x y inner { x inner { x } } many { x } }",
    "maybe": "maybe { x many { x y } }",
    "inners": "inners { __typename x y }",
    "strict": "strict { x many { x } }",
    "pet": "pet { name __typename ... on Dog { legs } }",
    "pets": "pets { name ... on Cat { lives } }",
    "cat": "cat { name lives }",
    "picky": "picky { x }",
}
"""What asks for the attribute that holds something else."""

PLAIN = "a b i f t n s color level credits count at day price uuid json tags grid holes __typename"
MIXED = [
    f"{PLAIN} made made_inner {{ x }}",
    "a boom b",
    "a hard_boom b",
    "later a b",
    "later_boom a later",
    "asked a",
    "plus plus2: plus(by: 2) a",
    "secret a",
    "b: a  a: b",
    "a a: a ...F ... on Row { b x: a }",
    "inner { x } inner { y }",
    "a @include(if: $yes) b @skip(if: $yes) inner @include(if: $no) { x }",
    "...G",
    "pets { name } a",
    "inner { x y inner { x } many { x } } maybe { x } inners { x } strict { x }",
    "picky { x } cat { name }",
]
DOCUMENT = """query($yes: Boolean = true, $no: Boolean = false) {{ {field} {{ {selection} }} }}
fragment F on Row {{ a f }}"""
G = "fragment G on Row { ...F later made inner { ...H } } fragment H on Inner { x y }"
FIELDS = ["rows", "strict_rows", "row"]


@pytest.fixture(autouse=True)
def silent() -> Any:
    """Strawberry logs the errors that these rows are made for."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def answer(schema: Any, document: str, rows: list[Any]) -> str:
    """Data and errors of a document with their order and types, without the addresses of objects."""
    result = await schema.execute(document, context_value={"rows": rows})
    errors = [error.formatted for error in result.errors or []]
    return re.sub("0x[0-9a-f]+", "0x", repr((result.data, errors)))


def document(field: str, selection: str) -> str:
    used = "...F" in selection or "...G" in selection
    text = DOCUMENT if used else DOCUMENT.split("\n", maxsplit=1)[0]
    text = text if "$yes" in selection else text.replace("($yes: Boolean = true, $no: Boolean = false)", "")
    return text.format(field=field, selection=selection) + (G if "...G" in selection else "")


async def same(document: str, make: Any) -> bool:
    """Whether both executors answer alike; each gets rows of its own, and the fast one is asked twice."""
    stock = await answer(STOCK, document, make())
    return stock == await answer(FAST, document, make()) == await answer(FAST, document, make())


def rows_with(attribute: str, value: Any) -> list[Any]:
    """A usual row, one with an awkward value, and another usual one."""
    return [SimpleNamespace(**USUAL), SimpleNamespace(**USUAL | {attribute: value()}), SimpleNamespace(**USUAL)]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("attribute", SELECTIONS)
async def test_awkward_values_answer_as_ever(attribute: str, value: str) -> None:
    """Wherever a row holds something that it should not, data and errors are those of the stock executor."""
    texts = [document(field, f"{SELECTIONS[attribute]} z: a") for field in ("rows", "strict_rows")]
    assert [await same(text, lambda: rows_with(attribute, VALUES[value])) for text in texts] == [True, True]


@pytest.mark.parametrize("selection", MIXED)
@pytest.mark.parametrize("field", FIELDS)
async def test_selections_answer_as_ever(field: str, selection: str) -> None:
    """Fields that are not plain, aliases, fragments and directives change nothing in the answer."""
    assert await same(document(field, selection), lambda: [SimpleNamespace(**USUAL)] * 3)


@pytest.mark.parametrize("value", VALUES)
async def test_awkward_rows_answer_as_ever(value: str) -> None:
    """A row that is no row at all is answered for as the stock executor does."""
    assert await same(document("rows", "a b"), lambda: [SimpleNamespace(**USUAL), VALUES[value]()])


async def test_variables_decide_anew_each_time() -> None:
    """A field that a directive leaves out once is there when the next variables ask for it."""
    text = "query($yes: Boolean!) { rows { a b @include(if: $yes) } }"
    rows = {"rows": [SimpleNamespace(**USUAL)]}
    answers = [(await FAST.execute(text, {"yes": yes}, context_value=rows)).data for yes in (True, False, True)]
    assert answers == [{"rows": [row]} for row in ({"a": 1, "b": "text"}, {"a": 1}, {"a": 1, "b": "text"})]


@pytest.mark.parametrize("tags", [["p", "q"], ("p", "q")])
async def test_plain_rows_do_not_reach_the_stock_executor(monkeypatch: pytest.MonkeyPatch, tags: Any) -> None:
    """A list of plain rows is completed by compiled functions: only the root field takes the long way."""
    fields: list[str] = []
    stock = FastExecutor.execute_field

    def counted(self: Any, parent: Any, *args: Any) -> Any:
        fields.append(parent.name)
        return stock(self, parent, *args)

    monkeypatch.setattr(FastExecutor, "execute_field", counted)
    await answer(FAST, document("rows", PLAIN), [SimpleNamespace(**USUAL | {"tags": tags})] * 50)
    assert fields == ["Query"]
