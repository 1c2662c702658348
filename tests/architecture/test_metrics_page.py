"""The page of metrics."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import REGISTRY

import runtime.relay
import runtime.serving

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(coffer_\w+)` \| (\w+) \|", re.MULTILINE)


def test_the_page_names_every_metric() -> None:
    """The page lists the metrics of a server with their types, and no others."""
    assert runtime.relay
    assert runtime.serving
    registered = {(family.name, family.type) for family in REGISTRY.collect() if family.name.startswith("coffer_")}
    assert set(ROW.findall(PAGE.read_text())) == registered
