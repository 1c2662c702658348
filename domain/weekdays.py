"""The shape of a week in a series of days."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WEEK_DAYS: Final = 7
IDLE_SHARE: Final = 0.1
IDLE_WINDOW_DAYS: Final = 112


def week_of(values: Sequence[float]) -> list[float]:
    """Each weekday's share of the usage around it, 1 on average; drawn to 1 as far as chance explains it."""
    smooth = _centred_mean(values)
    level = sum(smooth) / len(smooth)
    if level <= 0:
        return [1.0] * WEEK_DAYS
    ratios = [sum(values[day::WEEK_DAYS]) / (sum(smooth[day::WEEK_DAYS]) or math.inf) for day in range(WEEK_DAYS)]
    mean = sum(ratios) / WEEK_DAYS
    week = [ratio / mean for ratio in ratios]
    between = sum((share - 1) ** 2 for share in week) / (WEEK_DAYS - 1)
    chance = sum(_share_variance(values, smooth, day, week[day]) for day in range(WEEK_DAYS)) / WEEK_DAYS / level**2
    kept = max(0.0, 1 - chance / between) if between else 0.0
    return [1 + kept * (share - 1) for share in week]


def idle_weekdays(values: Sequence[float]) -> list[bool]:
    """By weekday of the history's start: whether more than IDLE_SHARE of its recent days had no usage."""
    recent = range(max(0, len(values) - IDLE_WINDOW_DAYS), len(values))
    days = [[values[index] for index in recent if index % WEEK_DAYS == day] for day in range(WEEK_DAYS)]
    return [sum(value == 0 for value in same) > IDLE_SHARE * len(same) for same in days]


def _centred_mean(values: Sequence[float]) -> list[float]:
    """The mean of the seven days around each day; at the ends, of the first and the last seven."""
    sums = list(accumulate(values, initial=0))
    firsts = (max(0, min(day - WEEK_DAYS // 2, len(values) - WEEK_DAYS)) for day in range(len(values)))
    return [(sums[first + WEEK_DAYS] - sums[first]) / WEEK_DAYS for first in firsts]


def _share_variance(values: Sequence[float], smooth: Sequence[float], day: int, share: float) -> float:
    """The variance that chance alone gives to a weekday's mean."""
    pairs = zip(values[day::WEEK_DAYS], smooth[day::WEEK_DAYS], strict=True)
    errors = [(value - share * around) ** 2 for value, around in pairs]
    return sum(errors) / max(1, len(errors) - 1) / len(errors)
