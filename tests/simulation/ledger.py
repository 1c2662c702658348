"""The posting engine in memory: ledger.spend, spend_batch and spend_each for a few wallets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import asyncpg

from domain.ledger import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from db.spends import SpendRequest

PRICES = {"API_BASIC_REQUEST": 1, "API_HEAVY_QUERY": 5}
POISON = "\x00"
CATEGORY = 2
VERSION = 1
NO_CAP = (None, None, None)
FIGURES = ("items", "amounts", "befores", "sequences", "categories", "versions")
CHANGES = ("wallets", "revisions", "wallet_sequences", "available", "used", "ai", "webhook", "email")

Key = tuple[int, UUID]


class Entry(NamedTuple):
    """A committed spend, and the revision of its wallet then."""

    request: SpendRequest
    amount: int
    before: int
    after: int
    sequence: int
    revision: int
    at: datetime


@dataclass
class Wallet:
    """A wallet; `balances` and `thresholds` have what they were at each sequence and revision."""

    id: int
    available: int
    threshold: int
    sequence: int = 0
    revision: int = 0
    used: int = 0
    balances: dict[int, int] = field(default_factory=dict)
    thresholds: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Remember how it starts."""
        self.balances[0], self.thresholds[0] = self.available, self.threshold

    def move(self, credits: int) -> None:
        """Give credits, or take them."""
        self.available += credits
        self.sequence += 1
        self.balances[self.sequence] = self.available

    def set_threshold(self, threshold: int) -> None:
        """Change a setting, as another process does."""
        self.threshold = threshold
        self.revision += 1
        self.thresholds[self.revision] = threshold

    def row(self) -> dict[str, Any]:
        """The columns that a process remembers or is told."""
        return {
            "id": self.id,
            "revision": self.revision,
            "sequence": self.sequence,
            "available_credits": self.available,
            "low_balance_threshold": self.threshold,
            "lifetime_used_credits": self.used,
        }


class Ledger:
    """Wallets and the log of what was committed."""

    def __init__(self, wallets: Sequence[Wallet]) -> None:
        self.wallets = {wallet.id: wallet for wallet in wallets}
        self.log: list[Entry] = []
        self._keys: dict[Key, Entry] = {}

    def rows(self, wallet_ids: Sequence[int]) -> list[dict[str, Any]]:
        """The wallets' rows."""
        return [self.wallets[wallet_id].row() for wallet_id in wallet_ids]

    def spend(self, request: SpendRequest, at: datetime) -> tuple[Any, ...]:
        """One spend: type ledger.spent."""
        refuse_poison([request])
        wallet = self.wallets[request.wallet_id]
        known = self._keys.get(key_of(request))
        if known is not None:
            return _answer(_replayed(request, known), known, wallet)
        price = PRICES.get(request.feature)
        if price is None:
            return _refusal(Outcome.UNKNOWN_FEATURE, None, wallet)
        charge = price * request.units
        if charge > wallet.available:
            return _refusal(Outcome.INSUFFICIENT_CREDITS, charge, wallet)
        return _answer(Outcome.POSTED, self._commit(request, charge, at), wallet)

    def spend_each(self, requests: Sequence[SpendRequest], at: datetime) -> list[tuple[Any, ...]]:
        """Spends one by one."""
        refuse_poison(requests)
        return [self.spend(request, at) for request in requests]

    def spend_batch(self, probe: bool, requests: Sequence[SpendRequest], at: datetime) -> dict[str, Any]:
        """The spends of the wallets where all fit: type ledger.spent_batch, all null when a key was known unprobed."""
        refuse_poison(requests)
        fitting = self._fitting(probe, requests)
        if any(key_of(request) in self._keys for _, request in fitting):
            return dict.fromkeys((*FIGURES, *CHANGES, "posted_at"))
        posted = [(item, self._commit(request, _charge(request), at)) for item, request in fitting]
        figures = [(item, e.amount, e.before, e.sequence, CATEGORY, VERSION) for item, e in posted]
        touched = [self.wallets[number] for number in dict.fromkeys(e.request.wallet_id for _, e in posted)]
        changes = [(w.id, w.revision, w.sequence, w.available, w.used, 0, 0, 0) for w in touched]
        return {"posted_at": at} | _arrays(FIGURES, figures) | _arrays(CHANGES, changes)

    def _fitting(self, probe: bool, requests: Sequence[SpendRequest]) -> list[tuple[int, SpendRequest]]:
        items = [
            (item, request)
            for item, request in enumerate(requests, 1)
            if request.feature in PRICES and not (probe and key_of(request) in self._keys)
        ]
        totals: dict[int, int] = {}
        for _, request in items:
            totals[request.wallet_id] = totals.get(request.wallet_id, 0) + _charge(request)
        fit = {number for number, total in totals.items() if _fits(self.wallets[number], total)}
        return [(item, request) for item, request in items if request.wallet_id in fit]

    def _commit(self, request: SpendRequest, charge: int, at: datetime) -> Entry:
        wallet = self.wallets[request.wallet_id]
        before = wallet.available
        wallet.move(-charge)
        wallet.used += charge
        entry = Entry(request, charge, before, wallet.available, wallet.sequence, wallet.revision, at)
        self.log.append(entry)
        self._keys[key_of(request)] = entry
        return entry


def key_of(request: SpendRequest) -> Key:
    """What identifies a spend."""
    return request.wallet_id, request.key_hash


def same_spend(request: SpendRequest, other: SpendRequest) -> bool:
    """Whether two requests with one key ask for the same."""
    return (request.feature, request.units) == (other.feature, other.units)


def refuse_poison(requests: Sequence[SpendRequest]) -> None:
    """Raise as the database does for a text that it can't store."""
    if any(POISON in request.feature for request in requests):
        raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")


def _charge(request: SpendRequest) -> int:
    return PRICES[request.feature] * request.units


def _fits(wallet: Wallet, total: int) -> bool:
    """Whether a batch's spends can be posted as a whole: they are covered, and no alert is due."""
    left = wallet.available - total
    return left >= 0 and not wallet.available >= wallet.threshold > left


def _replayed(request: SpendRequest, known: Entry) -> Outcome:
    return Outcome.REPLAYED if same_spend(request, known.request) else Outcome.KEY_CONFLICT


def _answer(outcome: Outcome, entry: Entry, wallet: Wallet) -> tuple[Any, ...]:
    figures = (entry.amount, entry.before, entry.after, entry.sequence, entry.at, CATEGORY, VERSION)
    return (1, int(outcome), entry.amount, None, *figures, *NO_CAP, wallet.row())


def _refusal(outcome: Outcome, required: int | None, wallet: Wallet) -> tuple[Any, ...]:
    return (1, int(outcome), required, None, *[None] * 7, *NO_CAP, wallet.row())


def _arrays(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """The rows as one array a column, null when there is none."""
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names)
