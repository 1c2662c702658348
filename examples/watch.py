"""Watch a wallet: examples/watch.py KEY WALLET_ID. It reconnects and resumes, so no transaction is missed."""

import asyncio
import json
import sys

from websockets import Subprotocol
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

QUERY = """subscription($id: ID!, $after: BigInt) { walletUpdated(walletId: $id, after: $after) {
  sequence wallet { availableCredits } transactions { type credits balanceAfter feature } } }"""


async def watch(key: str, wallet_id: str) -> None:
    """Print every change; `async for` connects again after an outage."""
    after = None
    async for socket in connect("ws://127.0.0.1:8000/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]):
        try:
            await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}}))
            request = {"query": QUERY, "variables": {"id": wallet_id, "after": after}}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": request}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "error" or "errors" in message.get("payload", ()):
                    sys.exit(str(text))
                if message["type"] == "next":
                    update = message["payload"]["data"]["walletUpdated"]
                    after = update["sequence"]
                    print(update, flush=True)
        except ConnectionClosed as closed:
            if closed.rcvd and 4400 <= closed.rcvd.code < 4500:
                raise


asyncio.run(watch(*sys.argv[1:]))
