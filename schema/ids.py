"""Public ids: a word for the kind and the uuid; what can't be one is simply not found."""

from uuid import UUID


def public_id(kind: str, uuid: UUID) -> str:
    """The id of an object, such as wal_<32 hex digits>."""
    return f"{kind}_{uuid.hex}"


def parse_id(kind: str, value: str) -> UUID | None:
    """The uuid in an id of that kind, or None."""
    prefix, _, digits = value.partition("_")
    try:
        return UUID(digits) if prefix == kind else None
    except ValueError:
        return None
