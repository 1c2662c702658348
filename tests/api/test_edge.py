"""The GraphQL edge: media types, limits, scalars, pages, masked faults, health."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from runtime.media import GRAPHQL_RESPONSE
from runtime.settings import Limits
from schema.limits import (
    MAX_ALIASES,
    MAX_DEFINITIONS,
    MAX_DEPTH,
    MAX_DIRECTIVES_PER_NODE,
    MAX_DOCUMENT_CHARACTERS,
    MAX_REPEATS_PER_FIELD,
    MAX_TOKENS,
)
from tests.api.conftest import CREATE_WALLET, GRANT, lasting_api
from tests.builders import free_port, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded import Servers
    from runtime.settings import Settings
    from services.coffer import Coffer
    from tests.api.conftest import Api

SECRET = "s" * 32
PAGE = """query($id: ID!, $first: Int, $after: String, $types: [TransactionType!]) { wallet(id: $id) {
  transactions(first: $first, after: $after, types: $types) { nodes { sequence } edges { cursor node { id } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
DOUBLING = "{ ...f0 } " + " ".join(
    f"fragment f{n} on Query {{ a{n}: __typename ...f{n + 1} ... {{ ...f{n + 1} }} }}" for n in range(40)
)
"""Each fragment names the next one twice: 2^40 aliases in 3,000 characters."""


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Settings with a secret for JWTs."""
    return settings_for(free_port(), jwt_secret=SECRET)


@pytest.fixture(scope="module")
async def api(settings: Settings, servers: Servers, template: str) -> AsyncIterator[Api]:
    """One server for all."""
    async with lasting_api(settings, servers, template) as running:
        yield running


@pytest.mark.parametrize(
    ("accept", "query", "status", "media_type"),
    [
        (GRAPHQL_RESPONSE, "{ __typename }", 200, GRAPHQL_RESPONSE),
        (GRAPHQL_RESPONSE, "{ nope }", 400, GRAPHQL_RESPONSE),
        (GRAPHQL_RESPONSE, "{", 400, GRAPHQL_RESPONSE),
        ("application/json", "{ nope }", 200, "application/json"),
        ("*/*", "{ __typename }", 200, "application/json"),
    ],
)
async def test_answers_have_the_media_type_that_was_asked_for(
    api: Api, accept: str, query: str, status: int, media_type: str
) -> None:
    """A request error is 400 without data under the newer media type and 200 under application/json."""
    client = api.anonymous()
    answer = await client.http.post("/graphql", json={"query": query}, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, media_type)
    assert ("data" in answer.json()) == (query == "{ __typename }")


async def test_a_mutation_is_refused_over_get(api: Api) -> None:
    """GET never changes anything."""
    client = await api.client()
    answer = await client.http.get(
        "/graphql", params={"query": 'mutation { revokeApiKey(id: "x") { errors { code } } }'}
    )
    assert answer.status_code in {400, 405}


async def test_a_browser_gets_graphiql_with_a_strict_policy(api: Api) -> None:
    """GET /graphql from a browser is the page that asks for a key and loads the IDE from our own files alone."""
    answer = await api.anonymous().http.get("/graphql", headers={"accept": "text/html"})
    assert "graphiql" in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert (await api.anonymous().http.get("/static/graphiql/graphiql.js")).status_code == 200


async def test_too_large_a_request_is_refused(api: Api) -> None:
    """A body over the limit is 413, whatever it says."""
    answer = await api.anonymous().http.post("/graphql", content=b" " * (Limits().max_request_bytes + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("{ " + "id " * MAX_DOCUMENT_CHARACTERS + "}", "characters"),
        ("{ " + "id " * MAX_TOKENS + "}", "tokens"),
        ("{ " + "a { " * (MAX_TOKENS // 3) + "}" * (MAX_TOKENS // 3) + " }", "deep"),
        ("query($a: X = " + "[" * (MAX_TOKENS // 3) + "]" * (MAX_TOKENS // 3) + ") { id }", "deep"),
        ("{ " + " ".join(f"a{number}: __typename" for number in range(MAX_ALIASES + 1)) + " }", "aliases"),
        ("{ wallets " + "{ nodes " * MAX_DEPTH + "{ id }" + "}" * MAX_DEPTH + " }", "depth"),
        ("{ __typename" + " @skip(if: false)" * (MAX_DIRECTIVES_PER_NODE + 1) + " }", "directives"),
        ("{ " + "__typename " * (MAX_REPEATS_PER_FIELD + 1) + "}", "times"),
        (DOUBLING, "aliases"),
        (" ".join(f"query q{n} {{ __typename }}" for n in range(MAX_DEFINITIONS + 1)), "operations"),
    ],
    ids=[
        "characters",
        "tokens",
        "selections",
        "values",
        "aliases",
        "depth",
        "directives",
        "repeats",
        "fragments",
        "operations",
    ],
)
async def test_documents_have_limits(api: Api, query: str, says: str) -> None:
    """Too much of anything is an invalid document, and the answer says of what."""
    answer = await (await api.client()).ask(query)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID_DOCUMENT"}
    assert any(says in error["message"] for error in answer["errors"])


@pytest.mark.parametrize("value", [1.5, "15", True, 2**53, -(2**53), None, [1]])
async def test_credits_are_whole_json_numbers(api: Api, value: Any) -> None:  # noqa: ANN401 - any JSON
    """A fraction, text, boolean, overflow or null where credits are wanted is refused with a sentence."""
    client = await api.client()
    grant = {"walletId": "wal_x", "credits": value, "reason": "r", "idempotencyKey": "k"}
    answer = await client.ask(GRANT, input=grant)
    assert answer["errors"][0]["extensions"]["code"] in {"INVALID_DOCUMENT", "BAD_USER_INPUT"}
    assert ".credits" in answer["errors"][0]["message"]


async def test_pages_are_keysets(api: Api) -> None:
    """Pages of 2 over 5 transactions give each once, newest first, and say whether more follow."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="p"))["wallet"]["id"]
    for number in range(5):
        grant = {"walletId": wallet, "credits": 1, "reason": "r", "idempotencyKey": f"{number}"}
        await client.run(GRANT, input=grant)
    seen, after = [], None
    for more in (True, True, False):
        page = (await client.run(PAGE, id=wallet, first=2, after=after))["transactions"]
        assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (more, after is not None)
        seen += [node["sequence"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == [5, 4, 3, 2, 1]
    assert (await client.run(PAGE, id=wallet, types=["USAGE_DEDUCTION"]))["transactions"]["nodes"] == []


@pytest.mark.parametrize(
    "change", [{"first": 0}, {"first": 101}, {"first": -1}, {"after": "nonsense"}, {"after": "azk5OQ!!"}]
)
async def test_a_page_that_can_not_be_is_refused(api: Api, change: dict[str, Any]) -> None:
    """A size outside 1 to 100 or a cursor that is not ours is INVALID_INPUT, and says what to send."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="p"))["wallet"]["id"]
    answer = await client.ask(PAGE, id=wallet, **change)
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_a_fault_of_ours_is_masked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception says nothing but its request id."""

    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("services.keys.project_of", broken)
    client = await api.client()
    answer = await client.http.post("/graphql", json={"query": "{ project { name } }"}, headers={"x-request-id": "r-1"})
    assert "secret" not in answer.text
    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "r-1"}
    assert answer.headers["x-request-id"] == "r-1"


async def test_a_lost_connection_is_busy(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that went away in the middle is BUSY, so that clients try again; nothing of it is in the answer."""

    async def cut(coffer: Coffer, *_: object) -> None:
        async with coffer.database.reading() as session:
            await session.execute(text("set role none"))
            await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr("services.keys.project_of", cut)
    [error] = (await (await api.client()).ask("{ project { name } }"))["errors"]
    assert (error["extensions"], "terminat" in error["message"]) == ({"code": "BUSY"}, False)


async def test_a_value_that_does_not_fit_its_type_is_our_fault(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that GraphQL can't write is INTERNAL, not the caller's bad input."""

    async def odd(*_: object) -> dict[str, str]:
        return {"secret": "detail"}

    monkeypatch.setattr("services.keys.project_of", odd)
    answer = await (await api.client()).ask("{ project { name } }")
    assert "secret" not in str(answer)
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_what_takes_too_long_is_ended(servers: Servers, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an operation has a tenth of a second, a query that hangs is TIMEOUT, over HTTP and on a socket."""

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("services.keys.project_of", hangs)
    hasty = settings_for(free_port(), limits=Limits(operation_seconds=0.1))
    async with lasting_api(hasty, servers, template) as api:
        client = await api.client()
        answer = await client.http.post("/graphql", json={"query": "{ project { name } }"})
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "TIMEOUT")
        async with client.watch("{ project { name } }") as stream:
            assert "TIMEOUT" in str(await stream.message())


async def test_malformed_ids_are_just_not_found(api: Api) -> None:
    """Whatever stands in an id, a query answers null."""
    client = await api.client()
    for bad in ("", "wal_", "wal_zz", "pur_" + "0" * 32, "0" * 32, "wal_" + "0" * 32, "\x00"):
        assert await client.run("query($id: ID!) { wallet(id: $id) { id } }", id=bad) is None


async def test_health(api: Api) -> None:
    """The process is alive, its database and Redis answer, and Prometheus can read it."""
    http = api.anonymous().http
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"database": "ok", "redis": "ok"}
    assert "coffer_http_request_seconds" in (await http.get("/metrics")).text


async def test_a_socket_with_a_wrong_key_is_closed(api: Api) -> None:
    """connection_init with an unknown key closes with 4403; without a key it opens and may ask nothing."""
    url = api.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        init = {"type": "connection_init", "payload": {"authorization": "Bearer cof_wrong"}}
        await socket.send(json.dumps(init))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403


async def test_a_socket_speaks_in_text_frames(api: Api) -> None:
    """A protocol message is a text frame, which a browser's client can read."""
    client = await api.client()
    url = client.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {client.key}"}}))
        assert isinstance(await socket.recv(), str)


async def test_a_page_of_another_origin_gets_no_socket(api: Api) -> None:
    """A browser's handshake from an origin that is not allowed is refused."""
    url = api.url.replace("http", "ws") + "/graphql"
    with pytest.raises(InvalidStatus):
        async with connect(url, origin="https://evil.example", subprotocols=["graphql-transport-ws"]):  # type: ignore[arg-type, list-item]
            pass


@pytest.mark.parametrize(
    ("claims", "secret", "code"),
    [
        ({"project": "test", "role": "viewer", "exp": 4e9}, SECRET, None),
        ({"project": "test", "role": "viewer", "exp": 1}, SECRET, "UNAUTHENTICATED"),
        ({"project": "test", "role": "viewer"}, SECRET, "UNAUTHENTICATED"),
        ({"project": "test", "role": "king", "exp": 4e9}, SECRET, "UNAUTHENTICATED"),
        ({"project": "nobody", "role": "owner", "exp": 4e9}, SECRET, "UNAUTHENTICATED"),
        ({"project": "test", "role": "owner", "exp": 4e9}, "x" * 32, "UNAUTHENTICATED"),
    ],
)
async def test_a_token_is_checked(api: Api, claims: dict[str, Any], secret: str, code: str | None) -> None:
    """A token counts when its signature, end, role and project are good."""
    await api.client()
    token = jwt.encode(claims, secret, "HS256")
    answer = await api.with_key(token).ask("{ project { name } }")
    errors = answer.get("errors") or [{"extensions": {"code": None}}]
    assert errors[0]["extensions"]["code"] == code
