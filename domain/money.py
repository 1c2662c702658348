"""Money as text."""

from __future__ import annotations

from typing import Final

_SIGNS: Final = {"INR": "₹"}


def format_money(amount_minor: int, currency: str) -> str:
    """An amount of minor units with Indian grouping for rupees: 12345678 INR is ₹1,23,456.78."""
    whole, minor = divmod(abs(amount_minor), 100)
    grouped = _indian(whole) if currency == "INR" else f"{whole:,}"
    minus = "-" if amount_minor < 0 else ""
    return f"{minus}{_SIGNS.get(currency, currency + ' ')}{grouped}.{minor:02d}"


def _indian(whole: int) -> str:
    """Three digits, then twos: 1,23,45,678."""
    head, tail = divmod(whole, 1000)
    groups = [f"{tail:03d}"] if head else [str(tail)]
    while head:
        head, pair = divmod(head, 100)
        groups.append(f"{pair:02d}" if head else str(pair))
    return ",".join(reversed(groups))
