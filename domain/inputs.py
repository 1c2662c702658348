"""Checks of what callers send, with the same sentence wherever the value comes in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from domain.errors import InvalidInput
from domain.limits import (
    MAX_CREDITS,
    MAX_KEY_CHARACTERS,
    MAX_METADATA_BYTES,
    MAX_METADATA_NUMBER,
    MAX_NAME_CHARACTERS,
    MAX_UNITS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_text(value: str, field: str, longest: int = MAX_NAME_CHARACTERS) -> None:
    """Raise InvalidInput unless the text is 1 to `longest` characters that the database can store."""
    if not 1 <= len(value) <= longest:
        raise InvalidInput(f"{field} is 1 to {longest} characters long.", field=[field])
    if not _is_storable(value):
        raise InvalidInput(f"{field} has a character that can't be stored (NUL or half a surrogate).", field=[field])


def check_key(value: str) -> None:
    """Raise InvalidInput unless the value can be an idempotency key."""
    check_text(value, "idempotencyKey", MAX_KEY_CHARACTERS)


def check_units(value: int) -> None:
    """Raise InvalidInput unless a spend may have that quantity."""
    if not 1 <= value <= MAX_UNITS:
        raise InvalidInput(f"quantity is 1 to {MAX_UNITS}.", field=["quantity"])


def check_credits(value: int, field: str = "credits") -> None:
    """Raise InvalidInput unless the value is a movable number of credits."""
    if not 1 <= value <= MAX_CREDITS:
        raise InvalidInput(f"{field} is a whole number from 1 to {MAX_CREDITS}.", field=[field])


def metadata_text(value: Mapping[str, Any] | None) -> str | None:
    """The metadata as JSON text; InvalidInput when it is not an object, too large, or can't be stored."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInput("metadata is a JSON object.", field=["metadata"])
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        json.loads(text, parse_int=_carried, parse_float=_carried)
    except (ValueError, RecursionError) as fault:
        message = "metadata has a depth or a number (2^63 or more) that not every reader of JSON can carry."
        raise InvalidInput(message, field=["metadata"]) from fault
    if "\\u0000" in text or not _is_storable(text):
        raise InvalidInput(
            "metadata has a character that can't be stored (NUL or half a surrogate).", field=["metadata"]
        )
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise InvalidInput(f"metadata is at most {MAX_METADATA_BYTES} bytes of JSON.", field=["metadata"])
    return text


def _carried(digits: str) -> None:
    """Refuse (ValueError) what some reader would take for another number, or not take at all."""
    number = int(digits) if digits.lstrip("-").isdigit() else float(digits)
    if abs(number) > MAX_METADATA_NUMBER:
        raise ValueError(digits)


def _is_storable(value: str) -> bool:
    if "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
