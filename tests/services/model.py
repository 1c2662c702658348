"""The ledger's rules once more, in plain Python: the oracle for the engine. Spends burn lots at once here."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

PRICES = {"AI_MODERATION": (6, 5), "API_HEAVY_QUERY": (2, 5), "STORAGE_1GB": (5, 40), "UPLOAD_BANNER": (1, 8)}
AI_CAP = 200
_order = count()

Parts = list[tuple["Lot", int]]


@dataclass
class Lot:
    """Credits given at one time."""

    remaining: int
    source: str
    priority: int = 50
    ends: int | None = None
    due: bool = False
    order: int = field(default_factory=lambda: next(_order))

    @property
    def rank(self) -> tuple[int, bool, int, int]:
        """Where it stands in the order in which lots are used."""
        return self.priority, self.ends is None, self.ends or 0, self.order


@dataclass
class Set:
    """Credits set aside: a hold, a payout or a gift, and the lots that they came from."""

    parts: Parts
    left: int
    open: bool = True
    due: bool = False


@dataclass
class Model:
    """One wallet."""

    available: int = 0
    reserved: int = 0
    locked: int = 0
    debt: int = 0
    ai_units: int = 0
    sequence: int = 0
    frozen: bool = False
    keys: dict[str, tuple[object, ...]] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    holds: dict[str, Set] = field(default_factory=dict)
    payouts: dict[str, Set] = field(default_factory=dict)

    def settle(self) -> None:
        """What has become due happens before anything else: first holds, then lots."""
        for held in self.holds.values():
            if held.open and held.due:
                self.back(held)
        for lot in [lot for lot in self.lots if lot.due and lot.remaining]:
            self.row(-lot.remaining)
            lot.remaining = 0

    def known(self, key: str, request: tuple[object, ...]) -> str | None:
        """What a key that was used before gives."""
        if key not in self.keys:
            return None
        return "REPLAYED" if self.keys[key] == request else "IDEMPOTENCY_CONFLICT"

    def row(self, available: int) -> None:
        """One row of the ledger."""
        self.available += available
        self.sequence += 1

    def burn(self, amount: int) -> Parts:
        """Use lots up, and say which paid how much."""
        parts = []
        for lot in sorted(self.lots, key=lambda lot: lot.rank):
            taken = min(lot.remaining, amount)
            if taken:
                lot.remaining -= taken
                amount -= taken
                parts.append((lot, taken))
        assert amount == 0, "the lots cover every balance"
        return parts

    def take(self, key: str, request: tuple[object, ...], amount: int) -> Parts | str:
        """Credits that leave the available ones, or why they can't."""
        if known := self.known(key, request):
            return known
        if self.frozen:
            return "WALLET_FROZEN"
        if amount > self.available:
            return "INSUFFICIENT_CREDITS"
        self.keys[key] = request
        self.row(-amount)
        return self.burn(amount)

    def back(self, held: Set) -> None:
        """What was set aside returns to its lots, the last used first; to lots that ended it returns only to end."""
        held.open = False
        self.reserved -= held.left if held in self.holds.values() else 0
        self.locked -= held.left if held in self.payouts.values() else 0
        if held.left:
            self.row(held.left)
        for lot, taken in reversed(held.parts):
            share = min(taken, held.left)
            lot.remaining += share
            held.left -= share

    def grant(self, key: str, amount: int, priority: int, ends: int | None) -> str:
        """Credits as a lot."""
        request = ("grant", amount, priority, ends)
        if known := self.known(key, request):
            return known
        self.keys[key] = request
        self.row(amount)
        self.lots.append(Lot(amount, "bonus", priority, ends))
        return "POSTED"

    def adjust(self, key: str, amount: int) -> str:
        """A correction."""
        if amount > 0:
            request = ("adjust", amount)
            if known := self.known(key, request):
                return known
            self.keys[key] = request
            self.row(amount)
            self.lots.append(Lot(amount, "adjustment"))
            return "POSTED"
        answer = self.take(key, ("adjust", amount), -amount)
        return answer if isinstance(answer, str) else "POSTED"

    def spend(self, key: str, feature: str, units: int) -> str:
        """A spend."""
        request = ("spend", feature, units)
        if known := self.known(key, request):
            return known
        category, price = PRICES[feature]
        charge = min(price * units, self.available) if category == 1 else price * units
        if self.frozen and charge:
            return "WALLET_FROZEN"
        if charge > self.available:
            return "INSUFFICIENT_CREDITS"
        if category == 6 and self.ai_units + units > AI_CAP:
            return "DAILY_CAP_REACHED"
        self.ai_units += units if category == 6 else 0
        self.keys[key] = request
        self.row(-charge)
        self.burn(charge)
        return "POSTED"

    def hold(self, key: str, amount: int) -> str:
        """Set aside for a spend."""
        answer = self.take(key, ("hold", amount), amount)
        if isinstance(answer, str):
            return answer
        self.holds[key] = Set(answer, amount)
        self.reserved += amount
        return "POSTED"

    def payout(self, key: str, amount: int) -> str:
        """Lock for a payout."""
        answer = self.take(key, ("payout", amount), amount)
        if isinstance(answer, str):
            return answer
        self.payouts[key] = Set(answer, amount)
        self.locked += amount
        return "POSTED"

    def capture(self, key: str, hold: str, amount: int, *, final: bool) -> str:
        """Spend from a hold."""
        held = self.holds[hold]
        request = ("capture", hold, amount)
        if known := self.known(key, request):
            return known
        if not held.open:
            return "INVALID_STATE"
        if amount > held.left:
            return "INVALID_INPUT"
        self.keys[key] = request
        self.row(0)
        self.reserved -= amount
        held.left -= amount
        # Captures use a hold's lots in their order.
        for place, (lot, part) in enumerate(held.parts):
            used = min(part, amount)
            held.parts[place] = (lot, part - used)
            amount -= used
        if final or not held.left:
            self.back(held)
        return "POSTED"

    def close(self, key: str, sets: dict[str, Set], name: str, *, paid: bool) -> str:
        """Release a hold or a payout, or pay a payout."""
        request = ("close", name, paid)
        if known := self.known(key, request):
            return known
        if not sets[name].open:
            return "INVALID_STATE"
        self.keys[key] = request
        if paid:
            sets[name].open = False
            self.locked -= sets[name].left
            self.row(0)
        else:
            self.back(sets[name])
        return "POSTED"

    def claw_back(self, amount: int) -> None:
        """Refunded credits: what is there, and the rest as debt."""
        taken = min(self.available, amount)
        self.row(-taken)
        self.burn(taken)
        if taken < amount:
            self.debt += amount - taken
            self.row(0)

    def purchase(self, amount: int) -> None:
        """Bought credits, which pay the debt first; the debt is paid from the purchase itself."""
        self.row(amount)
        lot = Lot(amount, "purchased", 100)
        self.lots.append(lot)
        paid = min(self.debt, amount)
        if paid:
            self.row(-paid)
            lot.remaining -= paid
            self.debt -= paid


def transfer(giver: Model, taker: Model, key: str, amount: int) -> str:
    """Credits to another wallet: each keeps its lot's source, priority and expiry."""
    answer = giver.take(key, ("transfer", amount), amount)
    if isinstance(answer, str):
        return answer
    hand_over(answer, taker)
    return "POSTED"


def hand_over(parts: Parts, taker: Model, source: str | None = None) -> None:
    """One row and lot for each kind of lot that paid."""
    kinds: dict[tuple[int, bool, int, str, bool], int] = {}
    for lot, amount in parts:
        kind = (lot.priority, lot.ends is None, lot.ends or 0, lot.source, lot.due)
        kinds[kind] = kinds.get(kind, 0) + amount
    for (priority, endless, ends, kept, due), amount in sorted(kinds.items()):
        taker.row(amount)
        taker.lots.append(Lot(amount, source or kept, priority, None if endless else ends, due))
