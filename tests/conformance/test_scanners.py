"""The checks that security scanners of GraphQL make, each as a scanner makes it: without a key, and with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schema.documents import MAX_ERRORS

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api

INTROSPECTION = "{ __schema { types { name fields { name } } } }"
CIRCULAR = "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }"
CIRCULAR_FRAGMENTS = "{ __schema { ...A } } fragment A on __Schema { __typename ...B } fragment B on __Schema { ...A }"
MUTATION = 'mutation { revokeApiKey(id: "x") { errors { code } } }'
MISTAKES = [
    "{ walet { id } }",
    "{ wallets { nodes { idd } } }",
    "{ wallets(ownerTipe: USER) { nodes { id } } }",
    "{ __schema { directive } }",
]
IDE_SIGNS = ("GraphiQL", "GraphQL Playground", "graphql-playground", "graphiql.min.css", "Apollo Sandbox", "Altair")
IDE_PATHS = ["/", "/graphql", "/graphiql", "/playground", "/console", "/altair", "/voyager", "/graphql/console"]
LEAKS = ("traceback", "stacktrace", 'file \\"', "tracing", "exception", "site-packages", "sqlalchemy", "asyncpg")


@pytest.fixture(params=["without a key", "with a key"])
async def scanner(request: pytest.FixtureRequest, api: Api) -> Client:
    """Who scans."""
    return api.anonymous() if request.param == "without a key" else await api.client()


async def refused(client: Client, query: str) -> bool:
    """Whether a document is refused as a whole, in few words."""
    answer = await client.ask(query)
    return "data" not in answer and 1 <= len(answer["errors"]) <= MAX_ERRORS + 1


async def test_alias_overloading(scanner: Client) -> None:
    """A hundred aliases of one field are refused."""
    assert await refused(scanner, "{ " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }")


async def test_directive_overloading(scanner: Client) -> None:
    """Ten directives on one field are refused, and not answered with ten errors."""
    assert await refused(scanner, "query { __typename " + "@aa" * 10 + " }")
    assert await refused(scanner, "query { __typename " + "@include(if: true)" * 10 + " }")


async def test_field_overloading(scanner: Client) -> None:
    """The same field five hundred times is refused."""
    assert await refused(scanner, "query { " + "__typename " * 500 + "}")


async def test_array_batching(scanner: Client) -> None:
    """A list of operations in one request is refused."""
    answer = await scanner.http.post("/graphql", json=[{"query": "{ __typename }"}] * 10)
    assert answer.status_code == 400
    assert "data" not in answer.text


async def test_circular_introspection(scanner: Client) -> None:
    """Types of fields of types of fields are refused, also for a caller who may introspect."""
    assert await refused(scanner, CIRCULAR)


async def test_circular_fragments(scanner: Client) -> None:
    """Fragments that contain each other are refused."""
    assert await refused(scanner, CIRCULAR_FRAGMENTS)


async def test_field_suggestions(scanner: Client) -> None:
    """A mistake in a name is not answered with names that exist."""
    answers = [str(await scanner.ask(query)) for query in MISTAKES]
    answers.append(
        str(await scanner.ask("query($a: OwnerType) { wallets(ownerType: $a) { nodes { id } } }", a="USERS"))
    )
    answers.append(
        str(await scanner.ask("mutation($a: HoldInput!) { hold(input: $a) { replayed } }", a={"walletI": 1}))
    )
    assert [answer for answer in answers if "Did you mean" in answer or "did you mean" in answer] == []


async def test_introspection_without_a_key(api: Api) -> None:
    """Nobody reads the schema without a key, in any form; with one it is there."""
    nobody = api.anonymous()
    for query in (
        INTROSPECTION,
        '{ __type(name: "Query") { name } }',
        "{ ...f } fragment f on Query { __schema { types { name } } }",
    ):
        answer = await nobody.ask(query)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert (await (await api.client()).ask(INTROSPECTION))["data"]["__schema"]


async def test_queries_over_get_without_a_key(api: Api) -> None:
    """A link or a picture on any page can send a GET request, so without a key it reads nothing."""
    for accept in ("*/*", "text/html", "application/json", "text/event-stream"):
        answer = await api.anonymous().http.get(
            "/graphql", params={"query": "{ __typename }"}, headers={"accept": accept}
        )
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_mutations_over_get(scanner: Client) -> None:
    """GET never changes anything, whoever asks."""
    answer = await scanner.http.get("/graphql", params={"query": MUTATION})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "",
    ],
)
async def test_simple_content_types(scanner: Client, content_type: str) -> None:
    """A POST that a form of another origin could send is refused, whatever its body says."""
    headers = {"content-type": content_type} if content_type else {}
    for body in (b"query=%7B__typename%7D", b'{"query": "{ __typename }"}'):
        answer = await scanner.http.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, "data" in answer.json()) == (415, False)
    assert (await scanner.http.post("/graphql", params={"query": "{ __typename }"})).status_code == 415


async def test_exposed_ide(api: Api) -> None:
    """Without a key no path shows an IDE; what browsers get is a page that asks for the key."""
    shown = []
    for path in IDE_PATHS:
        for accept in ("*/*", "text/html"):
            answer = await api.anonymous().http.get(path, headers={"accept": accept}, follow_redirects=True)
            shown += [(path, accept, sign) for sign in IDE_SIGNS if sign in answer.text]
    assert shown == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"query": null}',
        b'{"query": "{ }"}',
        b'{"query": "{ wallets { } }"}',
        b'{"query": {}}',
        b'{"query": "qwerty cop { abc }"}',
        b'{"query": "{ wallet(id: 1e999) { id } }"}',
        b'{"query": "{ __typename }", "variables": "x"}',
        b'{"query": "query($a: Credits!) { __typename }", "variables": {"a": {"b": []}}}',
        b'{"query": "{ __typename }", "operationName": "nope"}',
        b'{"query": "\\u0000"}',
        b'{"query": "\\ud800"}',
        b"\xff\xfe",
        b'{"query": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        b'{"query": "{ __typename }", "extensions": {"tracing": true, "persistedQuery": {"version": 1}}}',
    ],
)
async def test_traces_and_unhandled_errors(scanner: Client, body: bytes) -> None:
    """Whatever comes, the answer is JSON below 500, and says nothing of what happened inside."""
    answer = await scanner.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code < 500
    assert isinstance(answer.json(), dict)
    assert [leak for leak in LEAKS if leak in answer.text.lower()] == []
    for error in answer.json().get("errors", ()):
        assert error["extensions"]["code"] not in {"", "INTERNAL"}


async def test_security_headers(scanner: Client) -> None:
    """Every answer, of every path and status, has the headers that keep browsers from doing harm with it."""
    answers: list[Any] = [
        await scanner.http.post("/graphql", json={"query": "{ __typename }"}),
        await scanner.http.get("/graphql", headers={"accept": "text/html"}),
        await scanner.http.post("/graphql", content=b"x"),
        await scanner.http.get("/nothing/here"),
        await scanner.http.get("/static/graphiql/page.js"),
        await scanner.http.get("/healthz"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in answer.headers
    assert answers[0].headers["cache-control"] == "no-store"


async def test_other_origins(api: Api) -> None:
    """A page of an origin that is not allowed gets no leave to send JSON or to read an answer."""
    headers = {
        "origin": "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, authorization",
    }
    leave = await api.anonymous().http.options("/graphql", headers=headers)
    assert leave.status_code == 400
    answer = await api.anonymous().http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in answer.headers
