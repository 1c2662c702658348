"""Relay connections over keysets: a cursor is the key of its row, so pages stay right while rows are added."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from domain.errors import InvalidInput
from domain.limits import MAX_PAGE_ITEMS
from domain.pages import Page, checked_page
from schema.publishing import published

T = TypeVar("T")

First = Annotated[int | None, strawberry.argument(description=f"Items of the page, 1 to {MAX_PAGE_ITEMS}.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")]


@published
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    """Whether more follows: ask with after: endCursor."""
    has_previous_page: bool
    """Whether something came before."""
    start_cursor: str | None
    """The cursor of the first item."""
    end_cursor: str | None
    """The cursor of the last item."""


@published
class Edge(Generic[T]):
    """An item and its cursor."""

    cursor: str
    """Give it to `after` to go on behind the item."""
    node: T
    """The item."""


@published
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]]
    """The items with their cursors."""
    nodes: list[T]
    """The items alone."""
    page_info: PageInfo
    """Whether there is more."""


def encode_cursor(key: int) -> str:
    """The cursor of a row."""
    return base64.urlsafe_b64encode(f"k{key}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """The key in a cursor. InvalidInput when it is not one of ours."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        if text[:1] == "k" and len(text) < len(str(2**63)):
            return int(text[1:])
    except (ValueError, binascii.Error):
        pass
    raise InvalidInput("after is not a cursor of this list: send an endCursor as you got it.", field=["after"])


async def connection(
    first: int | None, after: str | None, read: Callable[[Page], Awaitable[Sequence[Any]]], key: str = "id"
) -> Connection[Any]:
    """A page of what `read` returns: rows of the page, and one more if another page follows; `key` is their order."""
    page = checked_page(first, decode_cursor(after))
    rows = await read(page)
    nodes = list(rows[: page.first])
    edges = [Edge(cursor=encode_cursor(getattr(node, key)), node=node) for node in nodes]
    page_info = PageInfo(
        has_next_page=len(rows) > page.first,
        has_previous_page=page.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, nodes=nodes, page_info=page_info)
