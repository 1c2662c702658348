"""Public ids: a word for the kind and the uuid; what can't be one is simply not found."""

from uuid import UUID

MAX_NUMBER = 2**63 - 1
"""The largest number that the database keeps."""

NUMBERED = frozenset({"job", "lot", "evt"})
"""Kinds of objects that are named by a number."""


def public_id(kind: str, key: UUID | int) -> str:
    """The id of an object, such as wal_<32 hex digits>."""
    return f"{kind}_{key if isinstance(key, int) else key.hex}"


def parse_id(kind: str, value: str) -> UUID | None:
    """The uuid in an id of that kind, or None."""
    prefix, _, digits = value.partition("_")
    try:
        return UUID(digits) if prefix == kind else None
    except ValueError:
        return None


def parse_number(digits: str) -> int | None:
    """The number above zero in a part of an id, or None."""
    readable = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_NUMBER))
    number = int(digits) if readable else 0
    return number if 0 < number <= MAX_NUMBER else None


def parse_row(kind: str, value: str) -> int | None:
    """The number in the id of an object of that kind, such as job_<number>, or None."""
    prefix, _, digits = value.partition("_")
    return parse_number(digits) if prefix == kind else None


def parse_transaction(value: str) -> tuple[UUID, int] | None:
    """The wallet and the place in it that the id of a transaction names, or None."""
    name, _, digits = value.rpartition("_")
    wallet, number = parse_id("txn", name), parse_number(digits)
    return None if wallet is None or number is None else (wallet, number)


def parse_node(value: str) -> tuple[str, UUID | int | tuple[UUID, int]] | None:
    """The kind that an id names and the key of the object, or None."""
    kind = value.partition("_")[0]
    if kind == "txn":
        key: UUID | int | tuple[UUID, int] | None = parse_transaction(value)
    else:
        key = (parse_row if kind in NUMBERED else parse_id)(kind, value)
    return None if key is None else (kind, key)
