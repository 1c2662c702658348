"""Pages of lists."""

from typing import NamedTuple

from domain.errors import InvalidInput
from domain.limits import DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS


class Page(NamedTuple):
    """The page asked for: `first` items below the key `after`, from the list's newest on without one."""

    first: int
    after: int | None


def checked_page(first: int | None, after: int | None) -> Page:
    """A page of a size that is allowed. InvalidInput."""
    first = DEFAULT_PAGE_ITEMS if first is None else first
    if not 1 <= first <= MAX_PAGE_ITEMS:
        raise InvalidInput(f"first is 1 to {MAX_PAGE_ITEMS}.", field=["first"])
    return Page(first, after)
