"""The money books."""

from datetime import datetime
from typing import Any

import strawberry

from schema.enums import MoneyAccount, MoneyEntryKind
from schema.publishing import published
from schema.types.purchases import Money


@published
class MoneyBalance:
    """An account of the money books in one currency."""

    account: MoneyAccount
    """Which account."""
    currency: str
    """ISO 4217."""

    @strawberry.field
    def debits(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """All that it was debited with."""
        return Money(amount_minor=root.debits_minor, currency=root.currency)

    @strawberry.field
    def credits(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """All that it was credited with."""
        return Money(amount_minor=root.credits_minor, currency=root.currency)

    @strawberry.field
    def balance(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """Debits less credits: above 0 for what is there, below 0 for what is owed or earned."""
        return Money(amount_minor=root.balance_minor, currency=root.currency)


@published
class MoneyEntry:
    """An amount that one account was debited and another credited with. Entries never change."""

    kind: MoneyEntryKind
    """Why it was made."""
    debit: MoneyAccount
    """The account that was debited."""
    credit: MoneyAccount
    """The account that was credited."""
    source: str
    """What it follows from: a purchase, a refund, a payment, or the wallet's sequence up to which credits were used."""
    created_at: datetime
    """When it was made."""

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the entry."""
        return strawberry.ID(f"entry_{root.id}")

    @strawberry.field
    def amount(root: strawberry.Parent[Any]) -> Money:  # noqa: N805 - the row
        """How much, above 0."""
        return Money(amount_minor=root.amount_minor, currency=root.currency)
