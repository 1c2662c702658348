"""Days whose usage stands out from the days around them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.weekdays import WEEK_DAYS, week_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_SPIKE_HISTORY_DAYS: Final = 14
SPIKE_DEVIATIONS: Final = 4.0
"""How many robust standard deviations above the median a spike is at least."""

SPIKE_TIMES_BUSY: Final = 1.5
"""How many times a busy day (one in ten is busier) a spike is at least: in bursty usage a burst is no news."""

DEVIATION_OF_MEDIAN: Final = 1.4826
"""A normal distribution's standard deviation in units of its median absolute deviation."""

SMALLEST_SHARE: Final = 0.2
"""No weekday is taken as quieter than this share of a mean day: a few credits on a free day are no spike."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """The day at `index` of a series, and what is usual on such a weekday."""

    index: int
    credits: int
    usual: float


def outliers(values: Sequence[int]) -> list[Outlier]:
    """The days of a series that are spikes for their weekday; none under MINIMUM_SPIKE_HISTORY_DAYS."""
    if len(values) < MINIMUM_SPIKE_HISTORY_DAYS:
        return []
    # The spikes themselves must not shape the week.
    busy = _busy(values)
    calm = [min(value, busy) for value in values]
    week = [max(share, SMALLEST_SHARE) for share in week_of(calm)]
    levels = [value / week[index % WEEK_DAYS] for index, value in enumerate(values)]
    usual = statistics.median(levels)
    deviation = DEVIATION_OF_MEDIAN * statistics.median(abs(level - usual) for level in levels)
    limit = max(usual + SPIKE_DEVIATIONS * deviation, SPIKE_TIMES_BUSY * _busy(levels))
    return [
        Outlier(index, values[index], usual * week[index % WEEK_DAYS])
        for index, level in enumerate(levels)
        if level > limit
    ]


def _busy(values: Sequence[float]) -> float:
    """What one day in ten is above."""
    return statistics.quantiles(values, n=10, method="inclusive")[-1]
