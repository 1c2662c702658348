"""Rows that did not come through the ORM: read by column name, like the models, and published the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Row:
    """A stored row; its attributes are the names of the columns."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as many types as there are columns
        """Read a column."""
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


class Posting(NamedTuple):
    """The engine's answer to one movement (type ledger.posting): the figures of the row, or what a refusal says."""

    outcome: int
    required_credits: Any
    cap_group: Any
    amount: int
    balance_before: int
    balance_after: int
    posted_sequence: int
    posted_at: datetime
    category: int | None
    price_version: int | None
    source_id: str | None
    cap_id: Any = None
    cap_left: Any = None
    cap_resets_at: Any = None


def row_posting(row: Any) -> Posting:  # noqa: ANN401 - our row or SQLAlchemy's
    """The posting that wrote a row of the ledger."""
    figures = (row.amount, row.balance_before, row.balance_after, row.sequence, row.created_at)
    return Posting(0, row.amount, None, *figures, row.category, row.price_version, row.source_id)


def posted_row(wallet: Any, posting: Posting, words: Mapping[str, Any]) -> Row:  # noqa: ANN401 - model or row
    """The ledger's row of a posting, as a query would read it; `words` are the columns that its request has."""
    return Row(
        {
            "wallet_id": wallet.id,
            "wallet_uuid": wallet.uuid,
            "sequence": posting.posted_sequence,
            "amount": posting.amount,
            "credits": posting.balance_after - posting.balance_before,
            "balance_before": posting.balance_before,
            "balance_after": posting.balance_after,
            "created_at": posting.posted_at,
            "category": posting.category,
            "price_version": posting.price_version,
            "source_id": None,
            "units": None,
            "feature": None,
            "member": None,
            **words,
        },
    )
