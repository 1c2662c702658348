"""graphql-transport-ws, case by case from the text of its protocol."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from runtime.settings import Limits
from tests.api.conftest import CREATE_WALLET
from tests.builders import free_port, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

    from runtime.settings import Settings
    from tests.api.conftest import Api

WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }"
MAX_MESSAGE_BYTES = 4_096


class Socket:
    """A client that says exactly what a test tells it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.raw = socket

    async def say(self, *messages: dict[str, Any]) -> None:
        """Send messages."""
        for message in messages:
            await self.raw.send(json.dumps(message))

    async def hear(self) -> Any:  # noqa: ANN401 - JSON
        """The next message."""
        async with asyncio.timeout(10):
            return json.loads(await self.raw.recv())

    async def closed(self) -> int:
        """The close code; whatever comes before it is read away."""
        async with asyncio.timeout(10):
            with suppress(ConnectionClosed):
                while True:
                    await self.raw.recv()
        return self.raw.close_code or 0

    async def subscribe(self, query: str, **payload: Any) -> None:  # noqa: ANN401 - JSON
        """Start operation 1."""
        await self.say({"id": "1", "type": "subscribe", "payload": {"query": query, **payload}})


@pytest.fixture(scope="module")
def settings() -> Settings:
    """A server that waits for connection_init only for a moment, and reads small messages alone."""
    limits = Limits(socket_init_seconds=0.3, max_socket_message_bytes=MAX_MESSAGE_BYTES)
    return settings_for(free_port(), limits=limits)


@asynccontextmanager
async def opened(api: Api, *subprotocols: str) -> AsyncIterator[Socket]:
    """A socket before connection_init."""
    protocols: Any = subprotocols or ["graphql-transport-ws"]
    async with connect(api.url.replace("http", "ws") + "/graphql", subprotocols=protocols) as socket:
        yield Socket(socket)


@asynccontextmanager
async def acknowledged(api: Api) -> AsyncIterator[Socket]:
    """A socket of a caller with a key."""
    client = await api.client()
    async with opened(api) as socket:
        await socket.say({"type": "connection_init", "payload": {"authorization": f"Bearer {client.key}"}})
        assert await socket.hear() == {"type": "connection_ack"}
        yield socket


async def wallet_of(api: Api) -> str:
    """A wallet of the project."""
    return str((await (await api.client()).run(CREATE_WALLET, owner="ws"))["wallet"]["id"])


async def test_init_is_acknowledged(api: Api) -> None:
    """connection_init, also without a payload or with null, is answered with connection_ack."""
    messages: list[dict[str, Any]] = [{}, {"payload": None}, {"payload": {}}]
    for message in messages:
        async with opened(api) as socket:
            await socket.say({"type": "connection_init", **message})
            assert await socket.hear() == {"type": "connection_ack"}


async def test_an_unknown_subprotocol_is_4406(api: Api) -> None:
    """A client of another protocol is told so."""
    async with opened(api, "graphql-ws") as socket:
        assert await socket.closed() == 4406


async def test_no_init_in_time_is_4408(api: Api) -> None:
    """A socket that stays silent is closed."""
    async with opened(api) as socket:
        assert await socket.closed() == 4408


async def test_a_second_init_is_4429(api: Api) -> None:
    """connection_init comes once."""
    async with acknowledged(api) as socket:
        await socket.say({"type": "connection_init"})
        assert await socket.closed() == 4429


async def test_subscribe_before_the_acknowledgement_is_4401(api: Api) -> None:
    """Nothing runs for a connection that was not acknowledged."""
    async with opened(api) as socket:
        await socket.subscribe("{ __typename }")
        assert await socket.closed() == 4401


async def test_a_wrong_key_is_4403(api: Api) -> None:
    """A key that is not known closes the socket."""
    async with opened(api) as socket:
        await socket.say({"type": "connection_init", "payload": {"authorization": "Bearer cof_wrong"}})
        assert await socket.closed() == 4403


async def test_a_query_gets_next_and_complete(api: Api) -> None:
    """A single result is one next message, then complete."""
    async with acknowledged(api) as socket:
        await socket.subscribe("{ __typename }")
        result = await socket.hear()
        assert (result["type"], result["id"], result["payload"]["data"]) == ("next", "1", {"__typename": "Query"})
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_operation_names_and_variables_count(api: Api) -> None:
    """The named operation runs with its variables."""
    async with acknowledged(api) as socket:
        query = "query A { __typename } query B($no: Boolean!) { a: __typename @skip(if: $no) b: __typename }"
        await socket.subscribe(query, operationName="B", variables={"no": True})
        assert (await socket.hear())["payload"]["data"] == {"b": "Query"}


async def test_a_stream_goes_on_until_the_client_completes_it(api: Api) -> None:
    """After complete no more of it comes, and its id is free again."""
    wallet = await wallet_of(api)
    async with acknowledged(api) as socket:
        await socket.subscribe(WATCH, variables={"id": wallet})
        assert (await socket.hear())["type"] == "next"
        await socket.say({"id": "1", "type": "complete"})
        await socket.subscribe("{ __typename }")
        assert [(await socket.hear())["type"] for _ in range(2)] == ["next", "complete"]


async def test_an_id_in_use_is_4409(api: Api) -> None:
    """Two operations at once can't have the same id."""
    wallet = await wallet_of(api)
    async with acknowledged(api) as socket:
        await socket.subscribe(WATCH, variables={"id": wallet})
        assert (await socket.hear())["type"] == "next"
        await socket.subscribe(WATCH, variables={"id": wallet})
        assert await socket.closed() == 4409


@pytest.mark.parametrize("query", ["{", "{ nope }", "query A { __typename } query A { __typename }"])
async def test_a_bad_document_gets_an_error_message(api: Api, query: str) -> None:
    """A syntax or validation error ends that operation with error, without complete, and the socket stays."""
    async with acknowledged(api) as socket:
        await socket.subscribe(query)
        message = await socket.hear()
        assert (message["type"], message["id"], isinstance(message["payload"], list)) == ("error", "1", True)
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}


async def test_a_missing_operation_gets_an_error_message(api: Api) -> None:
    """An operationName that the document does not have ends the operation with error."""
    async with acknowledged(api) as socket:
        await socket.subscribe("query A { __typename }", operationName="B")
        message = await socket.hear()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "INVALID_DOCUMENT")


async def test_a_ping_is_answered_with_its_payload(api: Api) -> None:
    """A pong has the payload of the ping, before connection_init too."""
    async with opened(api) as socket:
        for payload in ({"payload": {"n": 1}}, {}):
            await socket.say({"type": "ping", **payload})
            assert await socket.hear() == {"type": "pong", **payload}


async def test_pongs_and_late_completes_are_taken(api: Api) -> None:
    """A pong that nobody asked for, and complete for an operation that is over, change nothing."""
    async with acknowledged(api) as socket:
        await socket.say({"type": "pong", "payload": {}}, {"id": "9", "type": "complete"}, {"type": "ping"})
        assert await socket.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        b"{}",
        "[]",
        '"text"',
        "{}",
        '{"type": 1}',
        '{"type": "start"}',
        '{"type": "next", "id": "1"}',
        '{"type": "ping", "payload": "text"}',
        '{"type": "complete"}',
        '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": "{ __typename }"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "operationName": 1}}',
    ],
)
async def test_an_invalid_message_is_4400(api: Api, message: str | bytes) -> None:
    """What the protocol does not know closes the socket."""
    async with acknowledged(api) as socket:
        await socket.raw.send(message)
        assert await socket.closed() == 4400


async def test_a_message_over_the_limit_is_1009(api: Api) -> None:
    """A message larger than COFFER_MAX_SOCKET_MESSAGE_BYTES closes the socket."""
    async with acknowledged(api) as socket:
        await socket.say({"type": "ping", "payload": {"text": "x" * MAX_MESSAGE_BYTES}})
        assert await socket.closed() == 1009
