"""A client of one server, made from COFFER_KEY (required) and COFFER_URL."""

import os

from coffer_client import CofferClient

URL = os.environ.get("COFFER_URL", "http://127.0.0.1:8000/graphql")


def connect() -> CofferClient:
    """The generated client with the key of the environment, for HTTP and for sockets."""
    authorization = {"authorization": f"Bearer {os.environ['COFFER_KEY']}"}
    return CofferClient(
        URL, headers=authorization, ws_url=URL.replace("http", "ws", 1), ws_connection_init_payload=authorization
    )
