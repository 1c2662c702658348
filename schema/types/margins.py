"""Margins."""

from datetime import date

import strawberry

from schema.enums import Band, MarginWarning
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits


@published
class Margin:
    """What a feature or a category earned and cost, in micros: millionths of a rupee."""

    key: str
    """Which one."""
    credits: Credits
    """Credits spent on it."""
    units: BigInt
    """Units sold."""
    revenue_micros: BigInt
    """What its credits earned, at the realised price of a credit."""
    infrastructure_micros: BigInt
    """What its units cost in infrastructure."""
    other_micros: BigInt
    """What its units cost besides."""
    gross_profit_micros: BigInt
    """What is left; negative where it costs more than it earns."""
    infrastructure_basis_points: int | None
    """Infrastructure as a part of the revenue, in hundredths of a percent; null without revenue or unit cost."""
    gross_margin_basis_points: int | None
    """The margin as a part of the revenue, in hundredths of a percent; null without revenue or unit cost."""
    infrastructure_band: Band | None
    """Where infrastructure lies beside its target of 25 to 45 %."""
    gross_margin_band: Band | None
    """Where the margin lies beside its target of 35 to 50 %."""
    warning: MarginWarning | None
    """What is wrong with it, the worst first."""


@published
class MarginReport:
    """Margins of usage over a range of days of a time zone."""

    from_day: date
    """The first day."""
    to_day: date
    """The last day, inclusive."""
    time_zone: str
    """Whose days these are."""
    credit_price_micros: BigInt
    """What a credit earned: all that buyers paid for credits, without tax and fee, over the credits they got for it."""
    total: Margin
    """All usage together."""
    features: list[Margin]
    """Each feature, most revenue first."""
    categories: list[Margin]
    """Each category, most revenue first."""


@accepted
class UnitCostInput:
    """What a unit of a feature costs, in micros: 1,000,000 is a rupee."""

    feature: str
    """A feature of `pricing`."""
    infrastructure_micros: BigInt
    """Computing, storage and calls of others, 0 to 1,000,000,000,000."""
    other_micros: BigInt | None = strawberry.UNSET
    """All else that grows with units: support, licences, payment fees; 0 by default."""


@accepted
class SetUnitCostsInput:
    """Costs of features; those that are not listed stay as they are."""

    costs: list[UnitCostInput]
    """1 to 500 costs."""
    effective_from: date | None = strawberry.UNSET
    """From which day usage costs that; today by default, in India."""


@published
class SetUnitCostsPayload:
    """Every feature's margin by its price in force, or why the costs were refused."""

    margins: list[Margin] | None = None
    """What one unit of each feature earns and costs."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
