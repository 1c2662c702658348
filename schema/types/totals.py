"""Days whose books were compared with what providers list."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from domain import totals
from schema.enums import DifferenceKind, MoneyMovement
from schema.errors import UserError
from schema.ids import public_id
from schema.publishing import published
from schema.scalars import BigInt
from schema.types.money import Money, money_field


@published
class GatewayTotal:
    """What moved at a provider on a day, in one currency."""

    currency: str
    """ISO 4217."""
    payments: BigInt
    """How many payments."""
    paid = money_field("paid_minor")
    """Their sum."""
    refunds: BigInt
    """How many refunds."""
    refunded = money_field("refunded_minor")
    """Their sum."""


@published
class GatewayDifference:
    """A payment or refund about which provider and books differ."""

    @strawberry.field
    def kind(root: strawberry.Parent[Any]) -> DifferenceKind:  # noqa: N805 - the difference
        """How they differ."""
        return DifferenceKind(root["kind"])

    @strawberry.field
    def movement(root: strawberry.Parent[Any]) -> MoneyMovement:  # noqa: N805 - the difference
        """Which way the money moved."""
        return MoneyMovement(root["movement"])

    @strawberry.field
    def provider_id(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - the difference
        """The provider's id of the payment or refund."""
        return str(root["provider_id"])

    @strawberry.field
    def order_id(root: strawberry.Parent[Any]) -> str | None:  # noqa: N805 - the difference
        """The order at the provider, if it is known."""
        return root["order_id"]  # type: ignore[no-any-return]  # of a stored difference

    @strawberry.field
    def purchase_id(root: strawberry.Parent[Any]) -> strawberry.ID | None:  # noqa: N805 - the difference
        """The purchase that it belongs to, if it belongs to one."""
        purchase = root["purchase"]
        return strawberry.ID(public_id("pur", UUID(purchase))) if purchase else None

    @strawberry.field
    def ours(root: strawberry.Parent[Any]) -> Money | None:  # noqa: N805 - the difference
        """The amount in the books; null when they do not have it."""
        return _money(root["ours"])

    @strawberry.field
    def theirs(root: strawberry.Parent[Any]) -> Money | None:  # noqa: N805 - the difference
        """The amount that the provider lists; null when it does not list it."""
        return _money(root["theirs"])


@published
class GatewayDay:
    """A day (UTC) at one provider: what the books say, what the provider lists, and where they differ."""

    gateway: str
    """The provider."""
    day: date
    """The day, from midnight to midnight UTC."""
    checked_at: datetime
    """When they were compared last."""
    differs_since: datetime | None
    """Since when every comparison found a difference; null when the last one found none."""
    difference_count: BigInt
    """How many differences there are."""

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the day at this provider."""
        return strawberry.ID(f"day_{root.id}")

    @strawberry.field
    def ours(root: strawberry.Parent[Any]) -> list[GatewayTotal]:  # noqa: N805 - the row
        """What the books say, by currency."""
        return _totals(root.ours)  # type: ignore[no-any-return]  # stored ones

    @strawberry.field
    def theirs(root: strawberry.Parent[Any]) -> list[GatewayTotal]:  # noqa: N805 - the row
        """What the provider lists, by currency."""
        return _totals(root.theirs)  # type: ignore[no-any-return]  # stored ones

    @strawberry.field
    def differences(root: strawberry.Parent[Any]) -> list[GatewayDifference]:  # noqa: N805 - the row
        """The first 100 differences."""
        return root.differences  # type: ignore[no-any-return]  # stored ones


@published
class CheckGatewayDayPayload:
    """What the last comparison said, while the next one is on its way, or why there is none."""

    gateway_day: GatewayDay | None = None
    """The day as it was compared before; null when it was not, or when the act was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


def _money(side: Any) -> Money | None:  # noqa: ANN401 - of a stored difference
    return Money(amount_minor=side["minor"], currency=side["currency"]) if side else None


def _totals(sums: Any) -> Any:  # noqa: ANN401 - stored sums
    return [totals.DayTotal(**one) for one in sums]
