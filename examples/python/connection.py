"""A client of one server, made from COFFER_KEY (required) and COFFER_URL."""

import json
import os
from typing import Any

from coffer_client import CofferClient, GraphQLClientGraphQLMultiError

URL = os.environ.get("COFFER_URL", "http://127.0.0.1:8000/graphql")


class Client(CofferClient):
    """The generated client, which would drop the errors of an event without data and wait on."""

    async def _handle_ws_message(self, message: str | bytes, *rest: Any) -> dict[str, Any] | None:  # noqa: ANN401
        payload = json.loads(message).get("payload")
        if isinstance(payload, dict) and payload.get("errors"):
            raise GraphQLClientGraphQLMultiError.from_errors_dicts(payload["errors"], data=payload.get("data"))
        return await super()._handle_ws_message(message, *rest)


def connect() -> CofferClient:
    """The generated client with the key of the environment, for HTTP and for sockets."""
    authorization = {"authorization": f"Bearer {os.environ['COFFER_KEY']}"}
    return Client(
        URL, headers=authorization, ws_url=URL.replace("http", "ws", 1), ws_connection_init_payload=authorization
    )
