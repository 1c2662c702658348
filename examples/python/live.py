"""A live wallet that survives outages: it connects again with backoff and resumes where it was."""

import asyncio
import random
from collections.abc import AsyncGenerator

from coffer_client import CofferClient, GraphQLClientError, GraphQLClientGraphQLMultiError
from coffer_client import WatchWalletWalletUpdated as Update
from websockets.exceptions import ConnectionClosed, WebSocketException

FIRST_WAIT_SECONDS = 0.25
MAX_WAIT_SECONDS = 15.0
PASSING_ERRORS = {"BUSY", "INTERNAL", "RATE_LIMITED", "TIMEOUT", "TOO_SLOW"}


async def wallet_updates(client: CofferClient, wallet_id: str, after: int) -> AsyncGenerator[Update, None]:
    """Every change above the sequence `after`, each transaction once. Store `update.sequence` to go on later."""
    failures = 0
    while True:
        try:
            async for update in client.watch_wallet(wallet_id, after):
                yield update
                after, failures = update.sequence, 0
        except (OSError, WebSocketException, GraphQLClientError) as fault:
            if not passes(fault):
                raise
        await asyncio.sleep(random.uniform(0.5, 1) * min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**failures))
        failures = min(failures + 1, 10)


def passes(fault: Exception) -> bool:
    """Whether trying again can help: yes, but for errors with other codes and closes with 44xx (4403: a wrong key)."""
    if isinstance(fault, GraphQLClientGraphQLMultiError):
        return all((error.extensions or {}).get("code") in PASSING_ERRORS for error in fault.errors)
    return not (isinstance(fault, ConnectionClosed) and fault.rcvd and 4400 <= fault.rcvd.code < 4500)
