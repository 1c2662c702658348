"""Costs and budgets: what an operation may cost, what a key may spend, and what happens without Redis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY

from runtime.settings import Limits
from tests.api.conftest import CREATE_WALLET

if TYPE_CHECKING:
    from runtime.embedded_valkey import ValkeyServer
    from runtime.settings import Settings
    from tests.api.conftest import Api

PAGE = "query($n: Int) { wallets(first: $n) { nodes { transactions(first: 10) { nodes { id } } } } }"
CHEAP = "{ __typename }"
BURST_POINTS = 40


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """Where it answers."""
    return valkey.url


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A small budget: 40 points at once, two more each second, at most 30 for one operation."""
    limits = Limits(max_cost_points=30, rate_points_per_second=2, rate_burst_points=BURST_POINTS)
    return replace(settings, limits=limits)


def cost(answer: dict[str, Any]) -> dict[str, int]:
    """What an answer says of its cost."""
    return dict(answer["extensions"]["cost"])


async def test_an_answer_says_what_it_cost(api: Api) -> None:
    """Requested points, the limit of one operation, and what is left of the budget."""
    client = await api.client()
    assert cost(await client.ask(PAGE, n=1)) == {"requested": 14, "limit": 30, "remaining": BURST_POINTS - 14}


async def test_what_costs_too_much_does_not_run(api: Api) -> None:
    """A page of 100 wallets with 10 transactions each is COST_EXCEEDED, says its figures, and costs nothing."""
    client = await api.client()
    answer = await client.ask(PAGE, n=100)
    error = answer["errors"][0]
    assert error["extensions"] == {"code": "COST_EXCEEDED", "requested": 1202, "limit": 30}
    assert "data" not in answer
    assert cost(await client.ask(CHEAP))["remaining"] == BURST_POINTS - 1


async def test_an_export_is_paid_from_the_budget(api: Api) -> None:
    """The first one takes it; the next is 429 and says when to come again."""
    client = await api.client()
    first, second = [await client.http.get("/export/usage.csv") for _ in range(2)]
    assert (first.status_code, first.headers["ratelimit-remaining"]) == (200, "0")
    assert (second.status_code, 0 < int(second.headers["retry-after"]) <= BURST_POINTS) == (429, True)


async def test_a_spent_budget_is_429(api: Api) -> None:
    """The last points go, then RATE_LIMITED with the time to wait; another key is not touched."""
    client = await api.client()
    for _ in range(2):
        answer = await client.http.post("/graphql", json={"query": PAGE, "variables": {"n": 1}})
    assert answer.headers["ratelimit-limit"] == str(BURST_POINTS)
    assert int(answer.headers["ratelimit-remaining"]) == BURST_POINTS - 28
    assert int(answer.headers["ratelimit-reset"]) == 14
    answer = await client.http.post("/graphql", json={"query": PAGE, "variables": {"n": 2}})
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) == error["extensions"]["retryAfterSeconds"]
    assert 1 <= error["extensions"]["retryAfterSeconds"] <= 7
    assert "errors" not in await (await api.client()).ask(CHEAP)


async def test_a_spent_budget_ends_an_operation_on_a_socket(api: Api) -> None:
    """A subscription over the budget gets error with RATE_LIMITED; the socket stays."""
    client = await api.client()
    async with client.watch(PAGE, n=2) as stream:
        assert (await stream.message())["type"] == "next"
    async with client.watch(PAGE, n=2) as stream:
        message = await stream.message()
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "RATE_LIMITED")


async def test_bad_documents_cost_too(api: Api) -> None:
    """Whoever sends nothing but mistakes runs out of points as well."""
    client = await api.client()
    codes = [(await client.ask("{"))["errors"][0]["extensions"]["code"] for _ in range(6)]
    assert codes == ["INVALID_DOCUMENT"] * 4 + ["RATE_LIMITED"] * 2


async def test_without_redis_everything_passes_and_is_counted(api: Api, valkey: ValkeyServer) -> None:
    """With Redis down no request is refused for its budget; a metric says how many were not counted."""
    client = await api.client()
    assert (await client.ask(CHEAP))["data"]
    valkey.stop()
    before = REGISTRY.get_sample_value("coffer_budget_uncounted_total") or 0
    for _ in range(BURST_POINTS + 1):
        answer = await client.ask(CHEAP)
        assert "errors" not in answer
        assert cost(answer)["remaining"] is None
    assert REGISTRY.get_sample_value("coffer_budget_uncounted_total") == before + BURST_POINTS + 1


async def test_a_mutation_is_priced_by_its_inputs(api: Api) -> None:
    """A batch costs for each input, whether it is written out or a variable."""
    client = await api.client()
    wallet = (await client.run(CREATE_WALLET, owner="b"))["wallet"]["id"]
    spend = {"walletId": wallet, "feature": "CREATE_COMMUNITY", "idempotencyKey": "k"}
    batch = "mutation($inputs: [ConsumeInput!]!) { consumeBatch(inputs: $inputs) { results { errors { code } } } }"
    assert cost(await client.ask(batch, inputs=[spend] * 3))["requested"] == 1 + 10 + 1 + 3 * 2
