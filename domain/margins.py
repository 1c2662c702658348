"""Margins: what features earn and what they cost, in micros (millionths of the currency's unit)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.errors import InvalidInput
from domain.pricing import MAX_PRICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MICROS_PER_MINOR: Final = 10_000
"""Micros of one minor unit, such as a paisa."""

MAX_COST_MICROS: Final = 10**12
"""The most that a unit may cost, a million of the currency's units."""

INFRASTRUCTURE_TARGET_BASIS_POINTS: Final = (2_500, 4_500)
"""Which part of its revenue the infrastructure of a healthy feature costs."""

GROSS_MARGIN_TARGET_BASIS_POINTS: Final = (3_500, 5_000)
"""Which part of its revenue a healthy feature leaves after all its unit costs."""


class Band(IntEnum):
    """Where a share lies beside its target: infrastructure 25 to 45 %, gross margin 35 to 50 %."""

    BELOW = 1
    """Under the target."""
    WITHIN = 2
    """In the target."""
    ABOVE = 3
    """Over the target."""


class MarginWarning(IntEnum):
    """What is wrong with a margin."""

    BELOW_COST = 1
    """It costs more than it earns."""
    NO_COST = 2
    """It has no unit cost, so what it leaves is not known: see setUnitCosts."""
    PARTIAL_COST = 3
    """Some of it has no unit cost, so the margin looks better than it is: see setUnitCosts."""


class UnitCost(NamedTuple):
    """What a unit of a feature costs (micros): infrastructure, and all else that grows with units."""

    feature: str
    infrastructure_micros: int
    other_micros: int


class CreditPrice(NamedTuple):
    """The realised price of a credit: what buyers paid (minor units, without tax and fee) for how many credits."""

    amount_minor: int
    credits: int

    def micros(self, credits: int) -> int:
        """What so many credits earned, half up."""
        return (2 * credits * self.amount_minor * MICROS_PER_MINOR + self.credits) // (2 * self.credits)


class Sold(NamedTuple):
    """Units of a key (a feature, a category) that were sold at one unit cost; None where it is not known."""

    key: str
    credits: int
    units: int
    cost: UnitCost | None


@dataclass(frozen=True, slots=True)
class Margin:
    """What a key earned, cost and left (micros); `missing` says which of its unit costs are not known."""

    key: str
    credits: int
    units: int
    revenue_micros: int
    infrastructure_micros: int
    other_micros: int
    missing: MarginWarning | None

    @property
    def gross_profit_micros(self) -> int:
        """What is left; negative where it costs more than it earns."""
        return self.revenue_micros - self.infrastructure_micros - self.other_micros

    @property
    def infrastructure_basis_points(self) -> int | None:
        """The infrastructure's part of the revenue; None without revenue or unit cost."""
        return self._basis_points(self.infrastructure_micros)

    @property
    def gross_margin_basis_points(self) -> int | None:
        """The margin's part of the revenue; None without revenue or unit cost."""
        return self._basis_points(self.gross_profit_micros)

    @property
    def infrastructure_band(self) -> Band | None:
        """Where infrastructure lies beside its target."""
        return _band(self.infrastructure_basis_points, INFRASTRUCTURE_TARGET_BASIS_POINTS)

    @property
    def gross_margin_band(self) -> Band | None:
        """Where the gross margin lies beside its target."""
        return _band(self.gross_margin_basis_points, GROSS_MARGIN_TARGET_BASIS_POINTS)

    @property
    def warning(self) -> MarginWarning | None:
        """What is wrong, the worst first."""
        if self.gross_profit_micros < 0:
            return MarginWarning.BELOW_COST
        return self.missing

    def _basis_points(self, part: int) -> int | None:
        whole = 0 if self.missing is MarginWarning.NO_COST else self.revenue_micros
        return (2 * part * 10_000 + whole) // (2 * whole) if whole else None


def margins(sold: Iterable[Sold], price: CreditPrice) -> list[Margin]:
    """The margin of each key, most revenue first. Revenue is of a key's credits together, so it is rounded once."""
    keys: dict[str, list[Sold]] = defaultdict(list)
    for item in sold:
        keys[item.key].append(item)
    found = [margin_of(key, items, price) for key, items in keys.items()]
    return sorted(found, key=lambda margin: (-margin.revenue_micros, margin.key))


def margin_of(key: str, sold: Sequence[Sold], price: CreditPrice) -> Margin:
    """The margin of all that was sold, under one key."""
    credits = sum(item.credits for item in sold)
    costs = [(item.units, item.cost) for item in sold if item.cost is not None]
    missing = MarginWarning.PARTIAL_COST if costs else MarginWarning.NO_COST
    return Margin(
        key,
        credits,
        sum(item.units for item in sold),
        price.micros(credits),
        sum(units * cost.infrastructure_micros for units, cost in costs),
        sum(units * cost.other_micros for units, cost in costs),
        None if len(costs) == len(sold) else missing,
    )


def check_costs(costs: Sequence[UnitCost], known: Mapping[str, object]) -> None:
    """Raise InvalidInput unless these costs of known features can be set together."""
    if not 1 <= len(costs) <= MAX_PRICES:
        raise InvalidInput(f"Send 1 to {MAX_PRICES} costs.", field=["costs"])
    seen: set[str] = set()
    for index, cost in enumerate(costs):
        path = ["costs", str(index)]
        if cost.feature not in known:
            raise InvalidInput(f"{cost.feature} is no feature of `pricing`.", field=[*path, "feature"])
        if cost.feature in seen:
            raise InvalidInput(f"{cost.feature} is listed twice.", field=[*path, "feature"])
        if not all(0 <= part <= MAX_COST_MICROS for part in cost[1:]):
            raise InvalidInput(f"A cost is 0 to {MAX_COST_MICROS} micros.", field=path)
        seen.add(cost.feature)


def _band(basis_points: int | None, target: tuple[int, int]) -> Band | None:
    if basis_points is None:
        return None
    low, high = target
    return Band.BELOW if basis_points < low else Band.ABOVE if basis_points > high else Band.WITHIN
