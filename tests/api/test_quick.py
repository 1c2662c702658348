"""The short way of ordinary operations beside the long way: the same answers over HTTP."""

# ruff: noqa: ANN401, SLF001 - JSON can be anything, and the test watches which way is taken

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime import quick
from runtime.media import GRAPHQL_RESPONSE, JSON
from tests.api.conftest import CREATE_WALLET

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

WALLET = "query Wallet($id: ID!) { wallet(id: $id) { id availableCredits ownerType } }"
GRANT = """mutation Grant($input: GrantInput!) { grantCredits(input: $input) {
  transaction { credits } replayed errors { code message } } }"""
LONG_WAY = {"content-encoding": "identity"}
"""What the short way leaves to the long one."""

UNUSUAL: list[dict[str, Any]] = [
    {"operationName": "Wallet"},
    {"operationName": "Other"},
    {"operationName": ""},
    {"operationName": 5},
    {"extensions": {"a": 1}},
    {"variables": [1]},
    {"variables": "x"},
    {"query": None},
    {"query": 5},
    {"query": "{ nope }"},
    {"documentId": "nope", "query": None},
]
CHANGING = {"x-request-id", "ratelimit-remaining", "ratelimit-reset", "date", "content-length"}


async def post(client: Any, body: Any, headers: dict[str, str]) -> httpx.Response:
    response: httpx.Response = await client.http.post("/graphql", json=body, headers=headers)
    return response


def seen(response: httpx.Response) -> Any:
    """What a client sees of an answer, without what differs each time."""
    body = response.json()
    if "extensions" in body:
        body["extensions"]["cost"].pop("remaining")
    for error in body.get("errors", ()):
        error["extensions"].pop("requestId", None)
    headers = {each for each in response.headers.items() if each[0] not in CHANGING}
    return response.status_code, headers, body


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each request went the short way."""
    ways: list[bool] = []
    answer = quick.QuickAnswers._answer

    async def noted(self: Any, *args: Any) -> bool:
        ways.append(await answer(self, *args))
        return ways[-1]

    monkeypatch.setattr(quick.QuickAnswers, "_answer", noted)
    return ways


async def alike(client: Any, body: Any, headers: dict[str, str]) -> Any:
    """What a client sees on the short way, which is what it sees on the long one."""
    answers = [seen(await post(client, body, headers | way)) for way in ({}, LONG_WAY)]
    differences = answers[0][1] ^ answers[1][1]
    assert not differences
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize("accept", ["*/*", "application/json", GRAPHQL_RESPONSE, f"{GRAPHQL_RESPONSE}, {JSON};q=0.9"])
async def test_both_ways_answer_alike(api: Api, short: list[bool], accept: str) -> None:
    """Status, headers and body are the same whether a request goes the short way or the long one."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="ada"))["wallet"]["id"]
    await post(client, {"query": WALLET}, LONG_WAY)
    values: list[Any] = [{"id": each} for each in (wallet, "wal_0", "nonsense", None, ["x"])]
    short.clear()
    for variables in [*values, {}, None]:
        await alike(client, {"query": WALLET, "variables": variables}, {"accept": accept})
    assert short == [True] * 7


async def test_unusual_bodies_are_answered_as_ever(api: Api) -> None:
    """What is no ordinary operation is answered the same, whichever way it begins."""
    client = await api.client()
    body = {"query": WALLET, "variables": {"id": "wal_0"}}
    await post(client, body, LONG_WAY)
    for more in UNUSUAL:
        await alike(client, body | more, {})


async def test_strangers_are_refused_alike(api: Api, short: list[bool]) -> None:
    """A known document says UNAUTHENTICATED to a caller without a key or with a wrong one."""
    body = {"query": WALLET, "variables": {"id": "wal_0"}}
    await post(await api.client(), body, LONG_WAY)
    short.clear()
    answers = [await alike(client, body, {}) for client in (api.anonymous(), api.with_key("wrong"))]
    assert [answer[2]["errors"][0]["extensions"]["code"] for answer in answers] == ["UNAUTHENTICATED"] * 2
    assert short == [True] * 2


async def test_mutations_act_once_on_the_short_way(api: Api, short: list[bool]) -> None:
    """A grant's first answer is no replay, and the next one is, also when its answer has an error in it."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="ada"))["wallet"]["id"]
    grant = {"walletId": wallet, "credits": 5, "reason": "x", "idempotencyKey": "0"}
    sent = [grant, grant | {"idempotencyKey": "1"}, grant | {"idempotencyKey": "1"}, grant | {"credits": 6}]
    answers = [(await post(client, {"query": GRANT, "variables": {"input": each}}, {})).json() for each in sent]
    told = [answer["data"]["grantCredits"] for answer in answers]
    assert [each["replayed"] for each in told] == [False, False, True, False]
    assert [error["code"] for error in told[3]["errors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert short[-3:] == [True] * 3


async def test_large_bodies_are_refused_alike(api: Api) -> None:
    """A body over the limit is 413 whichever way it begins."""
    client = await api.client()
    body = {"query": WALLET, "variables": {"id": "x" * api.settings.limits.max_request_bytes}}
    assert (await alike(client, body, {}))[0] == 413
