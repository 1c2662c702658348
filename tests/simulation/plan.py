"""What a seed means: how much goes wrong, how small the queues are, and who asks for what when."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from db.spends import SpendRequest, key_uuid
from tests.simulation.faults import ANSWER_SECONDS
from tests.simulation.ledger import POISON, PRICES, Wallet

MAX_ORDERS = 150
MAX_WALLETS = 4
REPEATED = 0.15
UNUSUAL = 0.02
IMPATIENT = 0.15
BURST_SECONDS = 0.01


@dataclass(frozen=True)
class Order:
    """One caller: a spend that it asks for at a time, until it is answered or its patience ends."""

    number: int
    at_seconds: float
    wallet_id: int
    key: str
    feature: str
    units: int
    patience_seconds: float | None
    returns: bool

    def request(self) -> SpendRequest:
        """A new request for it."""
        return SpendRequest(
            self.wallet_id, self.key, key_uuid(self.key), self.feature, self.units, None, None, None, None
        )


@dataclass(frozen=True)
class Change:
    """Something that another process does to a wallet: it gives credits, or sets the threshold."""

    at_seconds: float
    wallet_id: int
    credits: int
    threshold: int | None


@dataclass
class Plan:
    """Everything that a seed decides before the start; `random` goes on to decide the faults."""

    seed: int
    random: Random = field(init=False)
    fault_rate: float = field(init=False)
    batch_requests: int = field(init=False)
    queue_requests: int = field(init=False)
    closes_at_seconds: float | None = field(init=False)
    wallets: list[Wallet] = field(init=False)
    orders: list[Order] = field(init=False)
    changes: list[Change] = field(init=False)

    def __post_init__(self) -> None:
        """Draw the rest."""
        self.random = random = Random(self.seed)
        self.fault_rate = random.choice((0.0, 0.01, 0.05, 0.2))
        self.batch_requests = random.choice((2, 3, 8, 40))
        self.queue_requests = random.choice((4, 20, 1_000))
        span = random.choice((0.01, 1.0, 60.0))
        self.wallets = [
            Wallet(number, random.choice((0, 50, 100_000)), random.randrange(200))
            for number in range(1, random.randint(1, MAX_WALLETS) + 1)
        ]
        keys: list[str] = []
        self.orders = [self._order(number, keys, span) for number in range(random.randint(1, MAX_ORDERS))]
        self.closes_at_seconds = self._stop() if random.random() < 0.3 else None
        self.changes = [self._change(span) for _ in range(random.randrange(10))]

    def _order(self, number: int, keys: list[str], span: float) -> Order:
        random = self.random
        if not keys or random.random() >= REPEATED:
            keys.append(f"key {number}")
            key = keys[-1]
        else:
            key = random.choice(keys)
        feature = random.choice(sorted(PRICES))
        if random.random() < UNUSUAL:
            feature = random.choice(("NO_SUCH_FEATURE", POISON))
        return Order(
            number,
            random.uniform(0, span) // BURST_SECONDS * BURST_SECONDS,
            random.choice(self.wallets).id,
            key,
            feature,
            random.choice((1, 1, 1, 2)),
            random.expovariate(10) if random.random() < IMPATIENT else None,
            random.random() < 0.5,
        )

    def _stop(self) -> float:
        """A moment after somebody came."""
        return self.random.choice(self.orders).at_seconds + self.random.expovariate(1 / ANSWER_SECONDS)

    def _change(self, span: float) -> Change:
        random = self.random
        threshold = random.randrange(200) if random.random() < 0.5 else None
        return Change(random.uniform(0, span), random.choice(self.wallets).id, random.randint(1, 100), threshold)
