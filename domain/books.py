"""The money books of a project: their accounts, and what is written into them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class MoneyAccount(IntEnum):
    """An account of the project's money books."""

    GATEWAY_CLEARING = 1
    """What the payment providers hold for the project."""
    DEFERRED_REVENUE = 2
    """What was paid for credits that are not used yet."""
    REVENUE = 3
    """What was paid for credits that are used."""
    GST_PAYABLE = 4
    """GST that belongs to the state."""
    FEE_INCOME = 5
    """Platform fees."""
    REFUNDS = 6
    """What is on its way back to buyers."""
    PAYOUTS = 7
    """What was paid out for credits: a cost."""
    PAYOUTS_DUE = 8
    """What is on its way to beneficiaries."""
    VENDOR_SHARES = 9
    """What the providers settle to vendors: a cost."""


class MoneyEntryKind(IntEnum):
    """Why an entry was made."""

    SALE = 1
    """A purchase was paid."""
    REFUND = 2
    """A refund began."""
    REFUND_SENT = 3
    """The provider sent a refund."""
    REFUND_REFUSED = 4
    """The provider refused a refund, so it is undone."""
    RECOGNITION = 5
    """Credits of a purchase were used, or a refund changed what the used ones cost."""
    SURPLUS = 6
    """A purchase was paid twice: the second payment goes back."""
    SURPLUS_SENT = 7
    """The second payment went back."""
    REFUND_RETURNED = 8
    """A refund that had been sent came back, so it is undone."""
    PAYOUT = 9
    """A payout was requested."""
    PAYOUT_SENT = 10
    """The provider sent it."""
    PAYOUT_FAILED = 11
    """It came to nothing, so it is undone."""
    PAYOUT_RETURNED = 12
    """A payout that had been sent came back, so it is undone."""
    SPLIT = 13
    """Part of a purchase's money goes to a vendor."""
    SPLIT_REFUND = 14
    """The provider took vendors' parts of a refund back."""
    SPLIT_REFUND_RETURNED = 15
    """A refund that had been sent came back, so vendors have their parts again."""


@dataclass(frozen=True, slots=True)
class MoneyBalance:
    """An account in one currency: its debits and credits (minor units), and what they leave."""

    account: MoneyAccount
    currency: str
    debits_minor: int
    credits_minor: int

    @property
    def balance_minor(self) -> int:
        """Debits less credits: above 0 for what is there or due, below 0 for what is owed or earned."""
        return self.debits_minor - self.credits_minor


def money_balances(flows: Iterable[tuple[str, MoneyAccount, MoneyAccount, int]]) -> list[MoneyBalance]:
    """The balance of every account and currency from (currency, debit, credit, amount)."""
    debits: dict[tuple[str, MoneyAccount], int] = {}
    credits: dict[tuple[str, MoneyAccount], int] = {}
    for currency, debit, credit, amount in flows:
        debits[currency, debit] = debits.get((currency, debit), 0) + amount
        credits[currency, credit] = credits.get((currency, credit), 0) + amount
    return [
        MoneyBalance(account, currency, debits.get((currency, account), 0), credits.get((currency, account), 0))
        for currency, account in sorted(debits.keys() | credits.keys())
    ]
