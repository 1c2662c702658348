"""Proving the books against a provider's own list of a day: movement by movement, and in total."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from uuid import UUID

T = TypeVar("T")

CHECKED_DAYS: Final = 3
"""The latest days that are compared again and again, since movements and messages may be late."""

FURTHEST_DAYS: Final = 90
"""How old a day may be that is compared when somebody asks."""


class MoneyMovement(IntEnum):
    """Which way money moved at a provider."""

    PAYMENT = 1
    """A buyer paid."""
    REFUND = 2
    """Money went back to a buyer."""


class DifferenceKind(IntEnum):
    """How a provider's list and the books differ about a movement."""

    MISSING_HERE = 1
    """The provider lists it, and the books do not have it."""
    MISSING_THERE = 2
    """The books have it, and the provider does not list it."""
    AMOUNT = 3
    """Both have it, with another amount or currency."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A payment or refund, in minor units; `id` is the provider's.

    `reference` is ours where we asked for it; `order_id` and `payment_id` say what it is of.
    """

    kind: MoneyMovement
    id: str
    amount_minor: int
    currency: str
    at: datetime
    order_id: str | None = None
    payment_id: str | None = None
    reference: str = ""

    @property
    def names(self) -> set[tuple[MoneyMovement, str]]:
        """What it is found by: a refund by our reference as well; two payments may have one reference."""
        of_ours = {self.reference} if self.kind is MoneyMovement.REFUND else set()
        return {(self.kind, name) for name in {self.id, *of_ours} if name}


@dataclass(frozen=True, slots=True)
class Booked:
    """A movement of the books; what `came_back` was sent and returned, so its provider may list it or not."""

    movement: Movement
    project_id: int
    purchase: UUID
    came_back: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A movement about which provider and books differ; what one of them does not have is None."""

    kind: DifferenceKind
    ours: Booked | None
    theirs: Movement | None

    @property
    def movement(self) -> Movement:
        """What it is about, as the provider says it if it does."""
        if self.theirs is not None:
            return self.theirs
        if self.ours is None:
            raise ValueError("A difference is about a movement of one side at least.")
        return self.ours.movement


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What moved in one currency: counts, and sums in minor units."""

    currency: str
    payments: int = 0
    paid_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0


class Span(NamedTuple):
    """From an instant, which is in it, to one that is not."""

    start: datetime
    end: datetime

    def widened(self, before: timedelta, after: timedelta) -> Span:
        """A longer one."""
        return Span(self.start - before, self.end + after)

    def __contains__(self, at: object) -> bool:
        """Whether an instant is in it."""
        return isinstance(at, datetime) and self.start <= at < self.end


class Comparison(NamedTuple):
    """What came of comparing a day."""

    ours: Sequence[DayTotal]
    theirs: Sequence[DayTotal]
    differences: Sequence[Difference]


def span_of(day: date) -> Span:
    """A day of UTC."""
    start = datetime.combine(day, time(), UTC)
    return Span(start, start + timedelta(days=1))


def compare(ours: Iterable[Booked], theirs: Iterable[Movement], day: Span) -> Comparison:
    """Compare a day, of lists that may reach beyond it. A movement is on the day that its provider says, if it does."""
    ours, told = list(ours), list({(one.kind, one.id): one for one in theirs}.values())
    known = {name: one for one in ours for name in one.movement.names}
    on_day = [one for one in told if one.at in day]
    pairs = [(_found(known, one), one) for one in on_day]
    alone = [one for one in unlisted(ours, told) if one.movement.at in day]
    differences = [Difference(kind, mine, one) for mine, one in pairs if (kind := _judge(mine, one)) is not None]
    differences += [Difference(DifferenceKind.MISSING_THERE, one, None) for one in alone]
    booked = [one.movement for one, _ in pairs if one is not None] + [one.movement for one in alone]
    return Comparison(totals(booked), totals(on_day), sorted(differences, key=_place))


def unlisted(ours: Iterable[Booked], theirs: Iterable[Movement]) -> list[Booked]:
    """What the books have and a provider's list has not."""
    told = {name: one for one in theirs for name in one.names}
    return [one for one in ours if not one.came_back and _found(told, one.movement) is None]


def unbooked(ours: Iterable[Booked], theirs: Iterable[Movement]) -> list[Movement]:
    """What a provider lists and the books do not have."""
    known = {name: one for one in ours for name in one.movement.names}
    return [one for one in theirs if _found(known, one) is None]


def totals(movements: Iterable[Movement]) -> list[DayTotal]:
    """Counts and sums by currency."""
    figures: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in movements:
        place = 0 if one.kind is MoneyMovement.PAYMENT else 2
        figures[one.currency][place] += 1
        figures[one.currency][place + 1] += one.amount_minor
    return [DayTotal(currency, *sums) for currency, sums in sorted(figures.items())]


def _found(known: Mapping[tuple[MoneyMovement, str], T], wanted: Movement) -> T | None:
    return next((known[name] for name in wanted.names if name in known), None)


def _judge(mine: Booked | None, told: Movement) -> DifferenceKind | None:
    if mine is None:
        return DifferenceKind.MISSING_HERE
    same = (mine.movement.amount_minor, mine.movement.currency) == (told.amount_minor, told.currency)
    return None if same else DifferenceKind.AMOUNT


def _place(one: Difference) -> tuple[int, str]:
    return one.kind, one.movement.id
