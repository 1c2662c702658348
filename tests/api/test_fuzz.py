"""The whole schema over HTTP and sockets, with whatever fits it and with what nearly does."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st
from hypothesis_graphql import Mode, from_schema, nodes
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed

from domain.permissions import Role
from runtime.process import open_coffer
from tests.api import whole_schema
from tests.api.conftest import GRANT, running_api
from tests.api.test_access import objects
from tests.conftest import fresh_database
from tests.long import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.embedded import Servers
    from runtime.settings import Settings
    from tests.api.client import Client, Stream
    from tests.api.conftest import Api

ANY_DOCUMENTS = examples(50, 5_000)
FITTING_VALUES = examples(3, 200)
ODD_VALUES = examples(2, 500)
QUIET_SECONDS = 0.1
"""How long a stream without events may stay silent before it counts as open."""

ANSWER_SECONDS = 30
NO_JSON = 4400
OPENING_SECONDS = 0.3
"""How long a stream may take to begin, before what it tells of happens."""

LEAKS = ("Traceback", "asyncpg", "sqlalchemy", "strawberry", 'File "')
ODD_NUMBERS = st.integers() | st.sampled_from([-1, 2**53, 2**63 - 1, 2**63, 10**30])
ODD_TEXTS = st.text(max_size=30) | st.sampled_from(["", "\x00", "2026-13-01", "0001-01-01T00:00:00Z"])
NUMBERS = st.integers(0, 2**53 - 1) | st.sampled_from([0, 1, 2**31, 2**53 - 1])
IDS = st.sampled_from([f"@{kind}" for kind in whole_schema.KINDS]).map(nodes.String)
FITTING: Any = {
    "ID": IDS,
    "BigInt": NUMBERS.map(nodes.Int),
    "Credits": NUMBERS.map(nodes.Int),
    "Date": st.dates().map(str).map(nodes.String),
    "DateTime": st.datetimes().map(lambda at: f"{at.isoformat()}Z").map(nodes.String),
    "JSON": ODD_TEXTS.map(nodes.String) | ODD_NUMBERS.map(nodes.Int),
}
ODD: Any = FITTING | {
    "ID": IDS | ODD_TEXTS.map(nodes.String),
    "BigInt": ODD_NUMBERS.map(nodes.Int),
    "Credits": ODD_NUMBERS.map(nodes.Int),
    "Date": ODD_TEXTS.map(nodes.String),
    "DateTime": ODD_TEXTS.map(nodes.String),
}
SUBSCRIPTIONS = GraphQLSchema(query=whole_schema.SCHEMA.subscription_type)


def _any_document(schema: GraphQLSchema) -> Any:  # noqa: ANN401 - Hypothesis' strategy
    """Documents that fit, that fit in all but their values, and that don't."""
    return st.one_of(
        from_schema(schema, custom_scalars=FITTING),
        from_schema(schema, custom_scalars=ODD),
        from_schema(schema, custom_scalars=FITTING, mode=Mode.NEGATIVE),
    )


TEXTS = st.one_of(
    _any_document(whole_schema.SCHEMA),
    _any_document(whole_schema.SCHEMA),
    _any_document(SUBSCRIPTIONS).map(lambda text: f"subscription {text[text.index('{') :]}"),
)
OPERATIONS = [(kind, name) for kind, root in whole_schema.ROOTS.items() if root for name in root.fields]
CONSUME = "mutation($input: ConsumeInput!) { consume(input: $input) { transaction { id } } }"

BUY = "mutation($input: PurchaseInput!) { purchaseCredits(input: $input) { purchase { id } } }"
LIMIT = "mutation($input: UpdateWalletInput!) { updateWallet(input: $input) { errors { code } } }"


def _spend(wallet: str, feature: str, quantity: int) -> dict[str, Any]:
    return {"walletId": wallet, "feature": feature, "quantity": quantity, "idempotencyKey": f"{feature} {quantity}"}


REFUSED = [_spend("@frozen", "AI_SUMMARY", 1), _spend("@wallet", "AI_MODERATION", 201)]
"""Spends above the wallet's own cap, and above the cap of a day."""

SPLIT = {
    "purchaseId": "@purchase",
    "parts": [{"vendorId": "@vendor", "amountMinor": 100}],
    "idempotencyKey": "s",
}
"""A part of the purchase that is paid."""

SPEAK_FIRST = {
    "walletUpdated": {"walletId": "@wallet"},
    "usageUpdated": {"walletId": "@wallet"},
    "purchaseUpdated": {"id": "@purchase"},
    "creditSubscriptionUpdated": {"id": "@subscription"},
}
"""Streams that begin with what is."""

UNANSWERED = {
    "subscription.autoRechargeUpdated",
    "subscription.creditSubscriptionUpdated",
    "subscription.runwayAlert",
}
"""What says nothing before something happens that takes days, or that is made by other acts first."""

TYPES = {
    name
    for name, type_ in whole_schema.SCHEMA.type_map.items()
    if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
} - {root.name for root in whole_schema.ROOTS.values() if root}


class Target:
    """A server that runs while it is asked, so that Hypothesis, which is synchronous, drives it."""

    def __init__(self, runner: asyncio.Runner, api: Api) -> None:
        self._runner = runner
        self._api = api
        self._made = 0
        self.renew()

    def renew(self) -> None:
        """Go on with a new project, of which one object of each kind stands behind names such as @wallet."""
        self._made += 1
        self._owner = self._runner.run(self._api.client(Role.OWNER, f"project {self._made}"))
        self._ids = self._runner.run(self._objects())

    def ask(self, text: str, variables: dict[str, Any] | None = None, seconds: float = QUIET_SECONDS) -> dict[str, Any]:
        """The answer, with what is wrong with it as an AssertionError."""
        request = json.dumps({"query": text, "variables": variables or {}})
        for name, value in self._ids.items():
            request = request.replace(f'"@{name}"', f'"{value}"').replace(f'\\"@{name}\\"', f'\\"{value}\\"')
        return self._runner.run(_answer(self._owner, request, seconds))

    def pay(self) -> None:
        """Wait until the purchase has its credits, and another one has failed."""
        self._runner.run(self._paid())

    def alerts(self) -> list[dict[str, Any]]:
        """The first answers of streams that wait for a dip below the threshold and for a rapid burn."""
        return self._runner.run(self._alerts())

    async def _objects(self) -> dict[str, str]:
        ids = await objects(self._owner)
        gift = {"walletId": ids["frozen"], "credits": 100, "reason": "r", "idempotencyKey": "g"}
        await self._owner.run(GRANT, input=gift)
        spent = await self._owner.run(CONSUME, input=_spend(ids["wallet"], "AI_SUMMARY", 1))
        lots = await self._owner.run("query($id: ID!) { lots(walletId: $id) { nodes { id } } }", id=ids["wallet"])
        jobs = await self._owner.run("{ jobs { nodes { id } } }")
        more = {"spend": spent["transaction"]["id"], "lot": lots["nodes"][0]["id"], "job": jobs["nodes"][0]["id"]}
        return ids | more

    async def _paid(self) -> None:
        fails = {"walletId": self._ids["wallet"], "packCode": "PACK_150", "method": "UPI", "idempotencyKey": "f"}
        failing = await self._owner.run(BUY, input=fails | {"simulateFailure": True})
        text = whole_schema.document("subscription", "purchaseUpdated")
        for purchase, status in ((self._ids["purchase"], "SUCCESS"), (failing["purchase"]["id"], "FAILED")):
            async with self._owner.watch(text, id=purchase) as updates:
                while (await updates.next())["status"] != status:
                    pass

    async def _alerts(self) -> list[dict[str, Any]]:
        wallet = self._ids["other"]
        low, burn = (whole_schema.document("subscription", name) for name in ("lowBalance", "rapidBurn"))
        async with self._owner.watch(low) as dips, self._owner.watch(burn) as burns:
            for stream in (dips, burns):
                assert await stream.message(OPENING_SECONDS) == {}
            await self._owner.run(LIMIT, input={"walletId": wallet, "burnLimitCredits": 1})
            await self._owner.run(
                GRANT, input={"walletId": wallet, "credits": 201, "reason": "r", "idempotencyKey": "g"}
            )
            await self._owner.run(CONSUME, input=_spend(wallet, "AI_SUMMARY", 1))
            return [_sound((await stream.message())["payload"]) for stream in (dips, burns)]


async def _answer(owner: Client, request: str, seconds: float) -> dict[str, Any]:
    if request.startswith('{"query": "subscription'):
        operation = json.loads(request)
        async with owner.watch(operation["query"], **operation["variables"]) as stream:
            return _sound(await _first(stream, seconds))
    response = await owner.http.post("/graphql", content=request, headers={"content-type": "application/json"})
    assert response.status_code < 500, response.text
    return _sound(response.json())


async def _first(stream: Stream, seconds: float) -> dict[str, Any]:
    """The first answer of a stream; none when it just stays open, or was refused because it is no JSON."""
    try:
        message = await stream.message(seconds)
    except ConnectionClosed as closed:
        if closed.rcvd is None or closed.rcvd.code != NO_JSON:
            raise
        return {}
    payload = message.get("payload", {})
    return {"errors": payload} if message.get("type") == "error" else payload


def _sound(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, whose errors all have a code, none is a fault of ours, and nothing tells of our code."""
    codes = {(error.get("extensions") or {}).get("code") for error in answer.get("errors") or ()}
    assert not codes & {None, "INTERNAL"}, answer
    assert not [word for word in LEAKS if word in json.dumps(answer)], answer
    return answer


@pytest.fixture
def target(servers: Servers, template: str, settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[Target]:
    """A server with its worker, whose logs have no error in the end."""
    logging.getLogger("uvicorn.error").addHandler(caplog.handler)
    with asyncio.Runner() as runner, capture_logs() as logs:
        stack = AsyncExitStack()
        url = runner.run(stack.enter_async_context(fresh_database(servers, template)))
        coffer = runner.run(stack.enter_async_context(open_coffer(settings, url, servers.redis_url)))
        api = runner.run(stack.enter_async_context(running_api(coffer, settings)))
        yield Target(runner, api)
        runner.run(stack.aclose())
    logging.getLogger("uvicorn.error").removeHandler(caplog.handler)
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def _explore(examples: int, check: Any, **values: Any) -> None:  # noqa: ANN401 - Hypothesis' strategies
    """Run a check with many values."""
    settings = search(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)

    @settings
    @given(**values)
    def explore(**drawn: Any) -> None:  # noqa: ANN401
        check(**drawn)

    explore()


@pytest.mark.timeout(120 + ANY_DOCUMENTS)
def test_no_document_makes_a_fault(target: Target) -> None:
    """No operation, valid or broken, gives a 500, an unmasked error, or a traceback in the log."""

    def check(text: str) -> None:
        target.ask(text)

    _explore(ANY_DOCUMENTS, check, text=TEXTS)


@pytest.mark.timeout(120 + 100 * (FITTING_VALUES + ODD_VALUES))
def test_no_values_make_a_fault(target: Target) -> None:
    """No values of any operation give a 500, an unmasked error, or a traceback in the log, and each operation runs."""
    found: set[str] = set()
    target.pay()
    for answer in target.alerts():
        _note(found, "subscription", answer)
    for name, values in SPEAK_FIRST.items():
        _note(found, "subscription", target.ask(whole_schema.document("subscription", name), values, ANSWER_SECONDS))
    for spend in REFUSED:
        _note(found, "mutation", target.ask(whole_schema.document("mutation", "consume"), {"input": spend}))
    _note(found, "mutation", target.ask(whole_schema.document("mutation", "splitPurchase"), SPLIT))
    for kind, name in OPERATIONS:
        check, fitting = (
            partial(_check_values, target, found, kind, name),
            whole_schema.variables(kind, name, odd=False),
        )
        _explore(FITTING_VALUES, check, values=fitting)
        if f"{kind}.{name}" not in found | UNANSWERED:
            target.renew()  # An act before it may have used up what it names.
            _explore(FITTING_VALUES * 5, check, values=fitting)
        _explore(ODD_VALUES, check, values=whole_schema.variables(kind, name, odd=True))
    # What is missing needs likelier values (whole_schema.FITTING), an example beforehand, or a line in UNANSWERED.
    unreached = sorted({f"{kind}.{name}" for kind, name in OPERATIONS} - UNANSWERED - found)
    assert not unreached, unreached
    missing = sorted(TYPES - found)
    assert len(missing) < len(TYPES) / 4, missing


def _check_values(target: Target, found: set[str], kind: str, name: str, values: dict[str, Any]) -> None:
    _note(found, kind, target.ask(whole_schema.document(kind, name), values))


def _note(found: set[str], kind: str, answer: dict[str, Any]) -> None:
    """Note which fields of the roots were answered (maybe with null, as settings are), and which types are in it."""
    data = answer.get("data") or {}
    whole = not answer.get("errors")
    found.update(whole_schema.seen(data), {f"{kind}.{name}" for name, value in data.items() if value or whole})
