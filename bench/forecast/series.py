"""Daily usage made up by seed: known characters, whole credits, never negative."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SERIES_OF_A_CHARACTER: Final = 40
LENGTHS_DAYS: Final = (63, 91, 126, 182, 280, 400)
OFFICE_WEEK: Final = (1.2, 1.3, 1.25, 1.2, 1.1, 0.55, 0.4)


@dataclass(frozen=True, slots=True)
class Series:
    """A series and what kind it is."""

    name: str
    character: str
    values: list[int]


def generated(seed: int) -> list[Series]:
    """SERIES_OF_A_CHARACTER series of each character; the same seed makes the same series."""
    chance = random.Random(seed)
    return [
        Series(f"{name} {number}", name, _counted(make(chance, LENGTHS_DAYS[number % len(LENGTHS_DAYS)])))
        for name, make in CHARACTERS.items()
        for number in range(SERIES_OF_A_CHARACTER)
    ]


def steady(chance: random.Random, days: int) -> list[float]:
    """Noise around a level that does not change."""
    return _noisy(chance, [_level(chance)] * days)


def trend(chance: random.Random, days: int) -> list[float]:
    """Growth or decline by up to a factor of four over the whole length, straight or by the same percentage daily."""
    start, factor = _level(chance), chance.choice([0.3, 0.6, 1.8, 3.0, 4.0])
    straight = chance.random() < 0.5
    path = [1 + (factor - 1) * t / days if straight else factor ** (t / days) for t in range(days)]
    return _noisy(chance, [start * step for step in path])


def weekly(chance: random.Random, days: int) -> list[float]:
    """A strong week: an office's, a shop's, or any other."""
    week = list(OFFICE_WEEK) if chance.random() < 0.6 else [chance.uniform(0.3, 1.9) for _ in range(7)]
    level = _level(chance)
    return _noisy(chance, [level * week[t % 7] for t in range(days)])


def growing_weeks(chance: random.Random, days: int) -> list[float]:
    """A week on a level that wanders and drifts, as a product that gains users."""
    path, level = [], _level(chance)
    drift, wander = chance.uniform(-0.002, 0.006), chance.uniform(0.005, 0.04)
    for t in range(days):
        level *= math.exp(drift + chance.gauss(0, wander))
        path.append(level * OFFICE_WEEK[t % 7])
    return _noisy(chance, path)


def bursts(chance: random.Random, days: int) -> list[float]:
    """A quiet level with bursts of one to four days, five to thirty times as high."""
    values = weekly(chance, days) if chance.random() < 0.5 else steady(chance, days)
    often, left, height = chance.uniform(0.02, 0.08), 0, 1.0
    for t in range(days):
        if left == 0 and chance.random() < often:
            left, height = chance.randint(1, 4), chance.uniform(5, 30)
        if left:
            values[t] *= height
            left -= 1
    return values


def zeros(chance: random.Random, days: int) -> list[float]:
    """Usage on some days only: by chance, or on some weekdays."""
    level = _level(chance)
    if chance.random() < 0.3:
        working = chance.sample(range(7), chance.randint(1, 4))
        often = [chance.uniform(0.6, 1.0) if day in working else 0.02 for day in range(7)]
    else:
        often = [chance.uniform(0.1, 0.6)] * 7
    return [chance.gammavariate(2, level / 2) if chance.random() < often[t % 7] else 0.0 for t in range(days)]


def level_shifts(chance: random.Random, days: int) -> list[float]:
    """One to three sudden changes of the level, each by a factor of a third to three."""
    shifts = {chance.randrange(14, days) for _ in range(chance.randint(1, 3))}
    week = OFFICE_WEEK if chance.random() < 0.5 else (1.0,) * 7
    path, level = [], _level(chance)
    for t in range(days):
        level *= math.exp(chance.uniform(-1.1, 1.1)) if t in shifts else 1.0
        path.append(level * week[t % 7])
    return _noisy(chance, path)


def storage(chance: random.Random, days: int) -> list[float]:
    """Stored data: grows day by day, rarely falls, has little noise."""
    path, level = [], _level(chance)
    growth = level * chance.uniform(0.001, 0.02)
    for _ in range(days):
        level += chance.expovariate(1 / growth) - (level * 0.1 if chance.random() < 0.005 else 0)
        path.append(level)
    return _noisy(chance, path, spread=0.02)


CHARACTERS: Final[dict[str, Callable[[random.Random, int], list[float]]]] = {
    "steady": steady,
    "trend": trend,
    "weekly": weekly,
    "growing weeks": growing_weeks,
    "bursts": bursts,
    "zeros": zeros,
    "level shifts": level_shifts,
    "storage": storage,
}


def _level(chance: random.Random) -> float:
    return 10 ** chance.uniform(0.7, 4)


def _noisy(chance: random.Random, path: list[float], spread: float | None = None) -> list[float]:
    """A path with noise that grows with it, and at least that of counting events."""
    relative = chance.uniform(0.05, 0.5) if spread is None else spread
    return [chance.gauss(at, math.hypot(relative * at, math.sqrt(max(at, 0.0)))) for at in path]


def _counted(values: list[float]) -> list[int]:
    return [max(0, round(value)) for value in values]
