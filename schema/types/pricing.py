"""Prices."""

from datetime import datetime
from typing import Any

import strawberry

from domain.pricing import is_premium
from schema.context import Info
from schema.enums import UsageCategory
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits


@published
class FeaturePrice:
    """What one unit of a feature costs."""

    feature: str
    """The feature's name."""
    category: UsageCategory
    """The family it belongs to."""
    credits: Credits
    """The price of one unit."""

    @strawberry.field
    def premium(root: strawberry.Parent[Any]) -> bool:  # noqa: N805 - the row
        """Whether it is refused when it can't be paid; core community features go on at any balance."""
        return is_premium(root.category, root.credits)


@published
class PricingVersion:
    """A published pricing matrix."""

    version: BigInt
    """1, 2, 3 ...; the highest is in force."""
    note: str | None
    """Why it was published."""
    published_at: datetime
    """From when spends used it."""

    @strawberry.field
    async def prices(root: strawberry.Parent[Any], info: Info) -> list[FeaturePrice]:  # noqa: N805 - the row
        """Every price of the version."""
        rows: list[FeaturePrice] = await info.context.loaders["prices"].load(root.version)
        return rows


@accepted
class FeaturePriceInput:
    """A price to publish."""

    feature: str
    """Capital letters, digits and underscores."""
    category: UsageCategory
    """The family it belongs to; decides caps and what is premium."""
    credits: Credits
    """The price of one unit, 0 or more."""


@accepted
class PublishPricingInput:
    """A whole matrix: what is not listed has no price any more."""

    prices: list[FeaturePriceInput]
    """1 to 500 prices."""
    note: str | None = strawberry.UNSET
    """Why."""


@published
class PublishPricingPayload:
    """The new version, or why there is none."""

    version: PricingVersion | None = None
    """The version as published; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
