"""The money books."""

from datetime import datetime
from typing import Any

import strawberry

from schema.enums import MoneyAccount, MoneyEntryKind
from schema.publishing import published
from schema.types.money import money_field


@published
class MoneyBalance:
    """An account of the money books in one currency."""

    account: MoneyAccount
    """Which account."""
    currency: str
    """ISO 4217."""
    debits = money_field("debits_minor")
    """All that it was debited with."""
    credits = money_field("credits_minor")
    """All that it was credited with."""
    balance = money_field("balance_minor")
    """Debits less credits: above 0 for what is there, below 0 for what is owed or earned."""


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

    amount = money_field("amount_minor")
    """How much, above 0."""
