"""The ledger's rules once more, in plain Python: the oracle for the engine."""

from __future__ import annotations

from dataclasses import dataclass, field

PRICES = {"AI_MODERATION": (6, 5), "API_HEAVY_QUERY": (2, 5), "STORAGE_1GB": (5, 40), "UPLOAD_BANNER": (1, 8)}
AI_CAP = 200


@dataclass
class Model:
    """One wallet."""

    available: int = 0
    reserved: int = 0
    ai_units: int = 0
    sequence: int = 0
    keys: dict[str, tuple[object, ...]] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)

    def _known(self, key: str, request: tuple[object, ...]) -> str | None:
        if key not in self.keys:
            return None
        return "REPLAYED" if self.keys[key] == request else "IDEMPOTENCY_CONFLICT"

    def _post(self, key: str, request: tuple[object, ...], available: int, reserved: int = 0) -> str:
        self.keys[key] = request
        self.available += available
        self.reserved += reserved
        self.sequence += 1
        return "POSTED"

    def grant(self, key: str, amount: int) -> str:
        """Bonus credits."""
        request = ("grant", amount)
        return self._known(key, request) or self._post(key, request, amount)

    def adjust(self, key: str, amount: int) -> str:
        """A correction."""
        request = ("adjust", amount)
        if known := self._known(key, request):
            return known
        return "INSUFFICIENT_CREDITS" if self.available + amount < 0 else self._post(key, request, amount)

    def spend(self, key: str, feature: str, units: int) -> str:
        """A spend."""
        request = ("spend", feature, units)
        if known := self._known(key, request):
            return known
        category, price = PRICES[feature]
        charge = price * units
        if category == 1:
            charge = min(charge, self.available)
        if charge > self.available:
            return "INSUFFICIENT_CREDITS"
        if category == 6 and self.ai_units + units > AI_CAP:
            return "DAILY_CAP_REACHED"
        self.ai_units += units if category == 6 else 0
        return self._post(key, request, -charge)

    def hold(self, key: str, amount: int) -> str:
        """Set aside."""
        request = ("hold", amount)
        if known := self._known(key, request):
            return known
        if amount > self.available:
            return "INSUFFICIENT_CREDITS"
        self.holds[key] = amount
        return self._post(key, request, -amount, amount)

    def capture(self, hold: str, key: str, amount: int) -> str:
        """Spend from a hold, for good: the rest goes back."""
        request = ("capture", hold, amount)
        if known := self._known(key, request):
            return known
        if self.holds[hold] == 0:
            return "INVALID_STATE"
        if amount > self.holds[hold]:
            return "INVALID_INPUT"
        rest, self.holds[hold] = self.holds[hold] - amount, 0
        self._post(key, request, 0, -amount)
        if rest:
            self.available += rest
            self.reserved -= rest
            self.sequence += 1
        return "POSTED"
