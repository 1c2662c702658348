"""A schema whose rows hold what rows should not hold, for comparing executors."""

# ruff: noqa: ANN401, D101, D102, D105 - rows can be anything, and the names say what these are

from __future__ import annotations

import dataclasses
from asyncio import sleep
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry
from graphql.pyutils import Undefined
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from schema.context import Info  # noqa: TC001 - Strawberry reads it
from schema.scalars import SCALARS, BigInt, Credits

if TYPE_CHECKING:
    from collections.abc import Generator


@strawberry.enum
class Color(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.enum
class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Never(BasePermission):
    message = "No."

    def has_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Inner:
    x: int
    y: str | None = None
    inner: Inner | None = None
    many: list[Inner] = dataclasses.field(default_factory=list)


@strawberry.type
class Dog(Named):
    legs: int = 4


@strawberry.type
class Cat(Named):
    lives: int = 9

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        return bool(row.name != "dog")


@strawberry.type
class Picky:
    x: int

    @classmethod
    def is_type_of(cls, _row: Any, info: Any) -> bool:
        return str(info.field_name) == "picky"


@strawberry.type
class Row:
    a: int
    b: str
    i: strawberry.ID
    f: float
    t: bool
    n: int | None
    s: str | None
    color: Color
    level: Level | None
    credits: Credits
    count: BigInt | None
    at: datetime | None
    day: date | None
    price: Decimal | None
    uuid: UUID | None
    json: JSON | None
    tags: list[str]
    grid: list[list[int] | None] | None
    holes: list[int | None]
    inner: Inner
    maybe: Inner | None
    inners: list[Inner | None] | None
    strict: list[Inner]
    pet: Named | None
    pets: list[Named]
    cat: Cat | None
    picky: Picky | None

    @strawberry.field
    def made(self) -> str:
        return f"made of {self.b}"

    @strawberry.field
    def made_inner(root: strawberry.Parent[Any]) -> Inner | None:  # noqa: N805 - Strawberry's name
        return Inner(x=root.a) if root.a else None

    @strawberry.field
    def boom(self) -> int | None:
        raise ValueError("boom")

    @strawberry.field
    def hard_boom(self) -> int:
        raise ValueError("hard boom")

    @strawberry.field
    async def later(self) -> int:
        return 5

    @strawberry.field
    async def later_boom(self) -> int | None:
        raise ValueError("later boom")

    @strawberry.field
    def asked(self, info: Info) -> str:
        return str(info.field_name)

    @strawberry.field
    def plus(self, by: int = 1) -> int:
        return int(self.a) + by

    @strawberry.field(permission_classes=[Never])  # type: ignore[untyped-decorator]
    def secret(self) -> int | None:
        return 1


class Odd(str):
    """A text that is not exactly one."""

    __slots__ = ()


class Soon:
    """An awaitable that nobody has to await."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from sleep(0).__await__()
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


class Raising:
    """A row whose attributes cannot be read."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


USUAL: dict[str, Any] = {
    "a": 1,
    "b": "text",
    "i": "id-1",
    "f": 1.5,
    "t": True,
    "n": None,
    "s": None,
    "color": Color.RED,
    "level": Level.HIGH,
    "credits": 7,
    "count": 2**40,
    "at": datetime(2026, 1, 2, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "price": Decimal("1.50"),
    "uuid": UUID(int=5),
    "json": {"k": [1]},
    "tags": ["p", "q"],
    "grid": [[1, 2], None, []],
    "holes": [1, None],
    "inner": SimpleNamespace(x=1, y="y", inner=None, many=[]),
    "maybe": None,
    "inners": [SimpleNamespace(x=1, y=None, inner=None, many=[]), None],
    "strict": [],
    "pet": None,
    "pets": [],
    "cat": SimpleNamespace(name="cat", lives=9),
    "picky": SimpleNamespace(x=3),
}


def inner(**values: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"x": 1, "y": None, "inner": None, "many": []} | values)


VALUES: dict[str, Any] = {
    "nothing": lambda: None,
    "undefined": lambda: Undefined,
    "unset": lambda: strawberry.UNSET,
    "an integer": lambda: 3,
    "a large integer": lambda: 2**31,
    "a small integer": lambda: -(2**31) - 1,
    "a huge integer": lambda: 2**60,
    "a text": lambda: "zz",
    "a number as text": lambda: "12",
    "an odd text": lambda: Odd("odd"),
    "an empty text": lambda: "",
    "true": lambda: True,
    "a float": lambda: 2.5,
    "a whole float": lambda: 2.0,
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "bytes": lambda: b"b",
    "a decimal": lambda: Decimal("2.50"),
    "a time": lambda: datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
    "a color": lambda: Color.BLUE,
    "a level": lambda: Level.LOW,
    "the value of a color": lambda: "red",
    "an exception": lambda: ValueError("held"),
    "an awaitable": lambda: Soon(1),
    "an awaitable inner": lambda: Soon(inner(x=4)),
    "an awaitable fault": lambda: Soon(ValueError("never")),
    "an empty list": list,
    "integers": lambda: [1, 2],
    "a tuple": lambda: (1, 2),
    "a set": lambda: {1},
    "a generator": lambda: (each for each in [1, 2]),
    "a list with nothing": lambda: [None],
    "a list with an exception": lambda: [ValueError("in a list"), 1],
    "a list with an awaitable": lambda: [Soon(1), 2],
    "texts": lambda: ["a", Odd("b")],
    "a dict": lambda: {"x": 1},
    "an inner": lambda: inner(x=2),
    "a wrong inner": lambda: inner(x="q"),
    "an inner without": lambda: SimpleNamespace(y="y"),
    "an inner with an awaitable": lambda: inner(x=Soon(3)),
    "inners": lambda: [inner(x=1), inner(x=2, many=[inner(x=3)])],
    "inners with a wrong one": lambda: [inner(x=1), inner(x=None), inner(x=2**40)],
    "inners with awaitables": lambda: [Soon(inner()), inner(x=Soon(9))],
    "deep": lambda: inner(inner=inner(inner=inner(x=None))),
    "a dog": lambda: Dog(name="dog"),
    "pets": lambda: [Dog(name="rex"), Cat(name="tom")],
    "an object": object,
    "an unreadable row": Raising,
    "a class": lambda: Inner,
}


def rows_of(info: Info) -> Any:
    """The rows that a test put into the context."""
    context: Any = info.context
    return context["rows"]


@strawberry.type
class Query:
    @strawberry.field
    def rows(self, info: Info) -> list[Row | None]:
        rows: list[Row | None] = rows_of(info)
        return rows

    @strawberry.field
    async def strict_rows(self, info: Info) -> list[Row]:
        rows: list[Row] = rows_of(info)
        return rows

    @strawberry.field
    async def row(self, info: Info) -> Row | None:
        row: Row | None = rows_of(info)[0]
        return row


def build(executor: Any) -> strawberry.Schema:
    """The schema on an executor."""
    config = StrawberryConfig(scalar_map=SCALARS, auto_camel_case=False)
    return strawberry.Schema(Query, types=[Dog, Cat], config=config, execution_context_class=executor)
