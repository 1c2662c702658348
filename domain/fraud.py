"""Fraud: named signals of a purchase, what each is worth, and when they stop it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BLOCK_POINTS: Final = 50
"""A purchase with this many points or more is stopped before the payment."""

LARGE_AMOUNT_MINOR: Final = 1_000_000
"""Paise: above 10,000 rupees."""

HOME_COUNTRY: Final = "IN"
VELOCITY_SECONDS: Final = 3_600
VELOCITY_PURCHASES: Final = 10
FAILURE_SECONDS: Final = 24 * 3_600
FAILED_PURCHASES: Final = 5
SHARED_SECONDS: Final = 30 * 24 * 3_600
SHARED_WALLETS: Final = 3
SCANNED_CHARACTERS: Final = 2_000
"""Of each client string: none that is accepted is longer."""


class FraudSignal(IntEnum):
    """One reason to doubt a purchase."""

    LARGE_AMOUNT = 1
    """More than 10,000 rupees."""
    FOREIGN_ADDRESS = 2
    """The request came from another country than the project's home."""
    INJECTION = 3
    """A text of the client looks like an attack on a database."""
    VELOCITY = 4
    """Ten or more purchases in an hour, of this wallet or from this device."""
    SHARED_DEVICE = 5
    """Three or more other wallets used this device in 30 days."""
    SHARED_CARD = 6
    """Three or more other wallets paid with this wallet's card in 30 days."""
    REPEATED_FAILURES = 7
    """Five or more failed purchases of this wallet in a day."""


class FraudDecision(IntEnum):
    """What became of a purchase that was looked at."""

    ALLOWED = 1
    """It went on to the payment."""
    REVIEW = 2
    """It was stopped, and waits for somebody to look."""
    APPROVED = 3
    """It was stopped and then approved: the same request goes on."""
    REJECTED = 4
    """It was stopped, and stays so."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from, as far as is known: address, country (ISO 3166), device, and its name for itself."""

    address: str | None = None
    country: str | None = None
    device: str | None = None
    agent: str | None = None
    home_country: str = HOME_COUNTRY


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a purchase begins."""

    amount_minor: int
    texts: Sequence[str] = field(default=())
    country: str | None = None
    home_country: str = HOME_COUNTRY
    recent_purchases: int = 0
    failed_purchases: int = 0
    device_wallets: int = 0
    card_wallets: int = 0


class Finding(NamedTuple):
    """A signal that was found, and its points."""

    signal: FraudSignal
    points: int


POINTS: Final[dict[FraudSignal, int]] = {
    FraudSignal.LARGE_AMOUNT: 45,
    FraudSignal.FOREIGN_ADDRESS: 30,
    FraudSignal.INJECTION: 60,
    FraudSignal.VELOCITY: 25,
    FraudSignal.SHARED_DEVICE: 35,
    FraudSignal.SHARED_CARD: 35,
    FraudSignal.REPEATED_FAILURES: 25,
}
"""The first three by the business facts; of the others no one alone stops a purchase, any two do."""

_INJECTION: Final = re.compile(
    r"""\bunion\s+(?:all\s+)?select\b
    | ['"`)]\s*(?:or|and)\s+['"(]{0,3}\w{1,40}['"]?\s*(?:=|<|>|\blike\b)
    | \b(?:or|and)\s+(\d{1,9})\s*=\s*\1\b
    | ;\s*(?:(?:drop|alter|create|truncate)\s+(?:table|database|schema|user|role|view)
           | delete\s+from | insert\s+into | update\s+\S{1,60}\s+set | exec(?:ute)?\s+\w)\b
    | \b(?:sleep|pg_sleep|benchmark|waitfor\s+delay|load_file|extractvalue|updatexml)\s*['"(]
    | \binformation_schema\b | \bpg_catalog\b | \bxp_cmdshell\b
    | ['"]\s*(?:--|\#|/\*)""",
    re.IGNORECASE | re.VERBOSE,
)


def is_injection(text: str) -> bool:
    """Whether a text looks like SQL that wants to be run."""
    return _INJECTION.search(text[:SCANNED_CHARACTERS]) is not None


_RULES: Final[dict[FraudSignal, Callable[[Facts], bool]]] = {
    FraudSignal.LARGE_AMOUNT: lambda facts: facts.amount_minor > LARGE_AMOUNT_MINOR,
    FraudSignal.FOREIGN_ADDRESS: lambda facts: facts.country not in {None, facts.home_country},
    FraudSignal.INJECTION: lambda facts: any(map(is_injection, facts.texts)),
    FraudSignal.VELOCITY: lambda facts: facts.recent_purchases >= VELOCITY_PURCHASES,
    FraudSignal.SHARED_DEVICE: lambda facts: facts.device_wallets >= SHARED_WALLETS,
    FraudSignal.SHARED_CARD: lambda facts: facts.card_wallets >= SHARED_WALLETS,
    FraudSignal.REPEATED_FAILURES: lambda facts: facts.failed_purchases >= FAILED_PURCHASES,
}


def findings(facts: Facts) -> list[Finding]:
    """Every signal of a purchase with its points."""
    return [Finding(signal, POINTS[signal]) for signal, holds in _RULES.items() if holds(facts)]


def score(found: Sequence[Finding]) -> int:
    """The points of some findings together."""
    return sum(finding.points for finding in found)


def is_blocked(found: Sequence[Finding]) -> bool:
    """Whether findings stop a purchase."""
    return score(found) >= BLOCK_POINTS
