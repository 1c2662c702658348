"""The fonts of invoices: Noto Sans for Latin, Greek, Cyrillic and the rupee sign, and one for each Indian script."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from re import Match

REGULAR: Final = "NotoSans-Regular"
BOLD: Final = "NotoSans-Bold"
_FOLDER: Final = Path(__file__).parent / "fonts"
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
"""The Indian scripts in the order of their Unicode blocks."""

_FIRST: Final = 0x0900
_BLOCK_CHARACTERS: Final = 128
_LETTER: Final = re.compile("[\u0900-\u0963\u0966-\u0d7f]")
"""All characters of those blocks but the full stops, which every script uses and every font has, as it has ASCII."""

_WORD: Final = re.compile(r"\S+")


def with_fonts(line: str) -> str:
    """Escaped text with the font of each word that is in an Indian script; the rest has its paragraph's own."""
    return _WORD.sub(_with_font, line)


def needs_shaping(line: str) -> bool:
    """Whether letters join, change places or merge: those of Indian scripts do."""
    return _LETTER.search(line) is not None


@cache
def use(font: str) -> str:
    """Have reportlab know a font; its name."""
    # Here, since it takes a third of a second and most processes never render.
    from reportlab.pdfbase import pdfmetrics, ttfonts  # noqa: PLC0415

    pdfmetrics.registerFont(ttfonts.TTFont(font, str(_FOLDER / f"{font}.ttf")))
    return font


def _with_font(word: Match[str]) -> str:
    """A word is shaped by one font, so a change of scripts begins a new one."""
    text = word[0]
    runs = [(script, next(letters).start()) for script, letters in groupby(_LETTER.finditer(text), _script_of)]
    if not runs:
        return text
    borders = [0, *(start for _, start in runs[1:]), len(text)]
    fonts = [use(f"NotoSans{script}-Regular") for script, _ in runs]
    parts = zip(fonts, borders, borders[1:], strict=False)
    return " ".join(f'<font name="{font}">{text[start:end]}</font>' for font, start, end in parts)


def _script_of(letter: Match[str]) -> str:
    return _SCRIPTS[(ord(letter[0]) - _FIRST) // _BLOCK_CHARACTERS]
