"""The fonts of invoices: Noto Sans for Latin, Greek, Cyrillic and the rupee sign, and one for each Indian script."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from re import Match

REGULAR: Final = "NotoSans-Regular"
BOLD: Final = "NotoSans-Bold"
_FOLDER: Final = Path(__file__).parent / "fonts"
_BLOCK_CHARACTERS: Final = 128
_FIRST: Final = 0x0900
_SCRIPTS: Final = (
    "Devanagari",
    "Bengali",
    "Gurmukhi",
    "Gujarati",
    "Oriya",
    "Tamil",
    "Telugu",
    "Kannada",
    "Malayalam",
)
"""The Indian scripts in the order of their Unicode blocks, from _FIRST on."""

_SHARED: Final = frozenset("\u0964\u0965")
"""The full stops that all of them use, and all their fonts have, as they have Latin letters."""


def with_fonts(line: str) -> str:
    """Escaped text with the font of each word that is in an Indian script; the rest has its paragraph's own."""
    return _WORD.sub(_named, line)


def needs_shaping(line: str) -> bool:
    """Whether letters join, change places or merge: those of Indian scripts do."""
    return _WORD.search(line) is not None


@cache
def use(font: str) -> str:
    """Have reportlab know a font; its name."""
    # Here, since it takes a third of a second and most processes never render.
    from reportlab.pdfbase import pdfmetrics, ttfonts  # noqa: PLC0415

    pdfmetrics.registerFont(ttfonts.TTFont(font, str(_FOLDER / f"{font}.ttf")))
    return font


def _letters(place: int) -> str:
    first = _FIRST + place * _BLOCK_CHARACTERS
    return "".join(chr(code) for code in range(first, first + _BLOCK_CHARACTERS) if chr(code) not in _SHARED)


def _word(place: int) -> str:
    """A word with letters of one script, and without those of another."""
    others = "".join(_letters(other) for other in range(len(_SCRIPTS)) if other != place)
    return f"([^\\s{others}{_letters(place)}]*[{_letters(place)}][^\\s{others}]*)"


_WORD: Final = re.compile("|".join(_word(place) for place in range(len(_SCRIPTS))))


def _named(word: Match[str]) -> str:
    script = _SCRIPTS[(word.lastindex or 1) - 1]
    # A word is shaped by one font, so that a change of scripts begins a new one.
    space = " " if word.start() and not word.string[word.start() - 1].isspace() else ""
    return f'{space}<font name="{use(f"NotoSans{script}-Regular")}">{word[0]}</font>'
