"""Loaders: one query for what many objects of an answer ask for."""

from collections import defaultdict
from typing import Any

from strawberry.dataloader import DataLoader

from schema.context import Context
from services import pricing, wallets


def make_loaders(context: Context) -> dict[str, DataLoader[Any, Any]]:
    """The loaders of one request or socket. They batch and keep nothing, so a long socket never sees old rows."""

    async def transactions(keys: list[Any]) -> list[Any]:
        """Keys are (wallet's internal id, first, after, types)."""
        groups: dict[Any, list[int]] = defaultdict(list)
        for wallet_id, *page in keys:
            groups[tuple(page)].append(wallet_id)
        found: dict[Any, list[Any]] = {}
        for (first, after, types), ids in groups.items():
            rows = await wallets.list_transactions(context.coffer, context.actor, ids, (first, after), types)
            found |= {(wallet_id, first, after, types): page for wallet_id, page in rows.items()}
        return [found[key] for key in keys]

    async def prices(versions: list[int]) -> list[Any]:
        rows = await pricing.prices_of(context.coffer, context.actor, versions)
        return [rows[version] for version in versions]

    return {
        "transactions": DataLoader(transactions, cache=False),
        "prices": DataLoader(prices, cache=False),
    }
