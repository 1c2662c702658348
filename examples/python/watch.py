"""Print each transaction of a wallet once, through any outage: watch.py WALLET_ID [AFTER_SEQUENCE]."""

import asyncio
import sys

from connection import connect

from live import wallet_updates


async def main(wallet_id: str, after: str = "0") -> None:
    """Print until Ctrl-C."""
    async with connect() as coffer:
        async for update in wallet_updates(coffer, wallet_id, int(after)):
            for row in update.transactions:
                print(row.sequence, row.type_.value, row.credits, row.balance_after, flush=True)


asyncio.run(main(*sys.argv[1:]))
