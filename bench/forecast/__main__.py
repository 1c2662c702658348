"""Scores the forecast: `make bench-forecast`; ARGS=--rivals adds libraries on the same series."""

from __future__ import annotations

import argparse
import statistics
from typing import TYPE_CHECKING, Final

from bench.forecast.evaluate import HORIZON_DAYS, coffer, score
from bench.forecast.real import real
from bench.forecast.series import generated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.forecast.evaluate import Method, Score

SEED: Final = 2026
"""Not the seed that the method's constants were chosen on."""


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals", action="store_true", help="score statsforecast and statsmodels too")
    arguments = parser.parse_args()
    print(f"Seed {SEED}, horizon {HORIZON_DAYS} days. MASE ratio: beside seasonal naive, under 1 is better.")
    made, found = generated(SEED), real()
    methods: dict[str, Method] = {"Coffer": coffer}
    if arguments.rivals:
        from bench.forecast.rivals import rivals  # noqa: PLC0415 - seconds to import

        methods |= rivals()
    for name, method in methods.items():
        scores = [score(method, series) for series in made]
        real_scores = [score(method, series) for series in found]
        _report(name, scores, real_scores)


def _report(name: str, made: Sequence[Score], found: Sequence[Score]) -> None:
    print(f"\n### {name}\n")
    print(
        "| series | count | MASE | naive | ratio | worse than naive | days in range | months in range | month's error |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for scores in (made, found):
        for character in dict.fromkeys(one.series.character for one in scores):
            _line(character, [one for one in scores if one.series.character == character])
    _line("**all generated**", made)
    _line("**all real**", found)
    every = [one.seconds * 1_000 for one in (*made, *found)]
    print(f"\nms of processor time a series: median {statistics.median(every):.1f}, longest {max(every):.1f}")


def _line(name: str, scores: Sequence[Score]) -> None:
    """Medians; the ranges' hits are means. The month's error is beside that of seasonal naive."""
    mase, naive, ratio, total = (
        statistics.median(part)
        for part in zip(*((one.mase, one.naive_mase, one.ratio, one.total_ratio) for one in scores), strict=True)
    )
    covered = statistics.fmean(one.covered for one in scores)
    months = statistics.fmean(one.totals_covered for one in scores)
    worse = sum(one.ratio > 1 for one in scores)
    cells = [
        f"{mase:.2f}",
        f"{naive:.2f}",
        f"{ratio:.2f}",
        f"{worse}",
        f"{covered:.0%}",
        f"{months:.0%}",
        f"{total:.2f}",
    ]
    print(f"| {name} | {len(scores)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
