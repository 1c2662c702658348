"""Text in files that spreadsheets open."""

from __future__ import annotations

from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - as wide ones are taken too
"""With what a cell begins that a spreadsheet works out (OWASP, CSV injection)."""


def as_text(value: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value
