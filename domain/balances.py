"""The trial balance: every credit that left an account arrived in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.ledger import Account


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """An account: what came in, what went out, what that leaves, and what the wallets say (buckets only)."""

    account: Account
    debits: int
    credits: int
    wallets: int | None = None

    @property
    def balance(self) -> int:
        """What came in less what went out."""
        return self.credits - self.debits

    @property
    def difference(self) -> int:
        """By how much the wallets differ from their movements; always 0 in right books."""
        return 0 if self.wallets is None else self.balance - self.wallets


def trial_balance(
    flows: Iterable[tuple[Account, Account, int]], wallets: Mapping[Account, int]
) -> list[AccountBalance]:
    """The balance of every account from (from, to, credits); `wallets` are the sums of the wallets' own figures."""
    debits: dict[Account, int] = {}
    credits: dict[Account, int] = {}
    for source, target, amount in flows:
        debits[source] = debits.get(source, 0) + amount
        credits[target] = credits.get(target, 0) + amount
    named = sorted(debits.keys() | credits.keys() | {account for account, total in wallets.items() if total})
    return [AccountBalance(name, debits.get(name, 0), credits.get(name, 0), wallets.get(name)) for name in named]
