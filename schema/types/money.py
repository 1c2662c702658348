"""Amounts of money, and the fields that tell them."""

from operator import attrgetter
from typing import Any

import strawberry

from domain.money import format_money
from schema.publishing import published
from schema.scalars import BigInt


@published
class Money:
    """An amount of money."""

    amount_minor: BigInt
    """In the currency's smallest unit, such as paise."""
    currency: str
    """ISO 4217."""

    @strawberry.field
    def formatted(self) -> str:
        """For people: ₹602.00."""
        return format_money(self.amount_minor, self.currency)


def money_field(path: str, currency: str | None = None) -> Any:  # noqa: ANN401 - Strawberry's field
    """A field with an amount of the row, at a path such as `settings.limit_minor`; in the row's currency by default."""
    amount = attrgetter(path)

    def money_of(root: strawberry.Parent[Any]) -> Money:
        return Money(amount_minor=amount(root), currency=currency or root.currency)

    return strawberry.field(resolver=money_of)
