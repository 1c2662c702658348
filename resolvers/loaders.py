"""Loaders: one query for what many objects of an answer ask for."""

from collections import defaultdict
from functools import partial
from typing import Any

from strawberry.dataloader import DataLoader

from domain.errors import AccessDenied
from schema.context import Context
from schema.ids import parse_node
from services import nodes as node_service
from services import pricing, recharge_settings, wallets


class Loaders(dict[str, DataLoader[Any, Any]]):
    """The loaders of one request or socket, each made when it is first asked for.

    They batch and keep nothing, so a long socket never sees old rows.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def __missing__(self, name: str) -> DataLoader[Any, Any]:
        """Make a loader."""
        loader = self[name] = DataLoader(partial(_LOADS[name], self._context), cache=False)
        return loader


async def _transactions(context: Context, keys: list[Any]) -> list[Any]:
    """Keys are (wallet's internal id, types, page)."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for wallet_id, types, page in keys:
        groups[types, page].append(wallet_id)
    found: dict[Any, list[Any]] = {}
    for (types, page), ids in groups.items():
        rows = await wallets.list_transactions(context.coffer, context.actor, ids, types, page)
        found |= {(wallet_id, types, page): listed for wallet_id, listed in rows.items()}
    return [found[key] for key in keys]


async def _prices(context: Context, versions: list[int]) -> list[Any]:
    rows = await pricing.prices_of(context.coffer, context.actor, versions)
    return [rows[version] for version in versions]


async def _recharges(context: Context, keys: list[Any]) -> list[Any]:
    """Keys are (wallet's internal id, page)."""
    words = (context.coffer, context.actor)
    return [await recharge_settings.attempts(*words, wallet_id, page) for wallet_id, page in keys]


async def _nodes(context: Context, ids: list[str]) -> list[Any]:
    """The rows of ids of any kind, one query a kind; AccessDenied for those that the caller may not see."""
    groups: dict[str, set[Any]] = defaultdict(set)
    wanted = [parse_node(text) for text in ids]
    for kind, key in filter(None, wanted):
        groups[kind].add(key)
    rows: dict[Any, Any] = {}
    for kind, keys in groups.items():
        if kind in node_service.KINDS:
            try:
                found = await node_service.find_nodes(context.coffer, context.actor, kind, list(keys))
            except AccessDenied as refused:
                found = dict.fromkeys(keys, refused)
            rows |= {(kind, key): row for key, row in found.items()}
    return [rows.get(node) for node in wanted]


_LOADS: dict[str, Any] = {"nodes": _nodes, "transactions": _transactions, "prices": _prices, "recharges": _recharges}
