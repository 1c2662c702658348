"""Pages of rows by the keyset method: each begins below the key at which the one before it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute

    from domain.pages import Page

T = TypeVar("T")


def newest_first(query: Select[T], key: InstrumentedAttribute[int], page: Page) -> Select[T]:
    """The page's rows, newest first, and one more if another page follows."""
    rows = query.order_by(key.desc()).limit(page.first + 1)
    return rows if page.after is None else rows.where(key < page.after)
