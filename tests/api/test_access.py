"""Who may do what: every operation with every role, and with a key of another project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType

from schema.root import schema
from tests.api.operations import ALL, BUY, MOVE, MUTATIONS, QUERIES, SUBSCRIPTIONS, VARIABLES, Operation, P

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api


def named(name: str, text: str) -> bool:
    """Whether a document uses the variable."""
    return re.search(rf"\${name}\b", text) is not None


def document(kind: str, text: str) -> str:
    """The operation with the variables that it names."""
    used = ", ".join(f"${name}: {type_}" for name, type_ in VARIABLES.items() if named(name, text))
    return f"{kind}({used}) {text}" if used else f"{kind} {text}"


async def objects(owner: Client) -> dict[str, str]:
    """One object of each kind."""
    ids = {"key": "start"}
    for name in ("wallet", "other", "frozen"):
        wallet = f'mutation {{ createWallet(input: {{ownerType: USER, ownerId: "{name}"}}) {{ wallet {{ id }} }} }}'
        ids[name] = (await owner.run(wallet))["wallet"]["id"]

    async def make(name: str, text: str, path: tuple[str, ...]) -> None:
        found: Any = await owner.run(document("mutation", text), **{k: v for k, v in ids.items() if named(k, text)})
        for part in path:
            found = found[part]
        ids[name] = found

    many = MOVE.replace("credits: 1", "credits: 5000")
    cap = '{ setCap(input: {walletId: $frozen, name: "c", limit: 9, measure: CREDITS, period: DAY}) { cap { id } } }'
    hold = "{ hold(input: {walletId: $wallet, credits: 9, idempotencyKey: $key}) { hold { id } } }"
    gift = "{ sendGift(input: {walletId: $wallet, credits: 9, idempotencyKey: $key}) { gift { id } } }"
    await make(
        "transaction", f"{{ grantCredits(input: {{{many}}}) {{ transaction {{ id }} }} }}", ("transaction", "id")
    )
    ids["key"] = "hold"
    await make("hold", hold, ("hold", "id"))
    ids["key"] = "payout"
    await make("payout", f"{{ holdPayout(input: {{{MOVE}}}) {{ payout {{ id }} }} }}", ("payout", "id"))
    beneficiary = MUTATIONS["createBeneficiary"].text.replace(P, "beneficiary { id }")
    await make("beneficiary", beneficiary, ("beneficiary", "id"))
    vendor = MUTATIONS["createVendor"].text.replace(P, "vendor { id }")
    await make("vendor", vendor, ("vendor", "id"))
    ids["key"] = "gift"
    await make("gift", gift, ("gift", "id"))
    await make("cap", cap, ("cap", "id"))
    await owner.run(document("mutation", MUTATIONS["defineMetric"].text))
    await owner.run(document("mutation", MUTATIONS["defineMetric"].text.replace("USED", "OLD")))
    await make("purchase", f"{{ purchaseCredits(input: {{{BUY}}}) {{ purchase {{ id }} }} }}", ("purchase", "id"))
    ids["key"] = "subscription"
    subscription = MUTATIONS["startSubscription"].text.replace(P, "subscription { id }")
    await make("subscription", subscription, ("subscription", "id"))
    await make("apiKey", '{ createApiKey(input: {name: "n", role: VIEWER}) { apiKey { id } } }', ("apiKey", "id"))
    return ids


QUIET_SECONDS = 0.3
"""How long a stream that is let in is looked at."""

REFUSAL_SECONDS = 30.0
"""How long a refusal may take on a busy machine."""


async def first_answer(
    client: Client, kind: str, text: str, ids: dict[str, Any], seconds: float = QUIET_SECONDS
) -> dict[str, Any]:
    """The answer of a query or mutation, or the first message of a subscription ({} when it just waits)."""
    ids = {name: value for name, value in (ids | {"key": uuid4().hex}).items() if named(name, text)}
    if kind != "subscription":
        return await client.ask(document(kind, text), **ids)
    async with client.watch(document(kind, text), **ids) as stream:
        message = await stream.message(seconds)
        payload = message.get("payload", {})
        return {"errors": payload} if message.get("type") == "error" else dict(payload)


def codes(answer: dict[str, Any]) -> set[str]:
    """Every error code of an answer, top-level or in a payload."""
    found = {error["extensions"]["code"] for error in answer.get("errors") or []}
    payload = next(iter((answer.get("data") or {}).values()), None)
    for result in payload.get("results", [payload]) if isinstance(payload, dict) else []:
        found |= {error["code"] for error in result.get("errors") or []}
    return found


TABLE = [("query", QUERIES), ("mutation", MUTATIONS), ("subscription", SUBSCRIPTIONS)]


@pytest.mark.parametrize(("kind", "operations"), TABLE, ids=[kind for kind, _ in TABLE])
def test_the_table_has_every_operation(kind: str, operations: dict[str, Operation]) -> None:
    """No query, mutation or subscription of the schema is missing from this file."""
    root = schema._schema.type_map[kind.capitalize()]  # noqa: SLF001 - graphql-core's own schema
    assert isinstance(root, GraphQLObjectType)
    assert set(root.fields) == set(operations)


@pytest.mark.parametrize(("kind", "operations"), TABLE, ids=[kind for kind, _ in TABLE])
async def test_each_role_may_do_what_the_table_says(api: Api, kind: str, operations: dict[str, Operation]) -> None:
    """A role in the table is never FORBIDDEN, one that is not always is."""
    ids = await objects(await api.client())
    wrong = []
    for role in sorted(ALL, reverse=True):
        client = await api.client(role)
        for name, operation in operations.items():
            seconds = QUIET_SECONDS if role in operation.roles else REFUSAL_SECONDS
            forbidden = "FORBIDDEN" in codes(await first_answer(client, kind, operation.text, ids, seconds))
            if forbidden == (role in operation.roles):
                wrong.append((role.name, name))
    assert wrong == []


@pytest.mark.parametrize(("kind", "operations"), TABLE, ids=[kind for kind, _ in TABLE])
async def test_another_project_sees_nothing(api: Api, kind: str, operations: dict[str, Operation]) -> None:
    """With an owner's key of another project every object is NOT_FOUND, null or absent from lists."""
    ids = await objects(await api.client())
    stranger = await api.client(project="another")
    seen = []
    for name, operation in operations.items():
        if operation.own:
            answer = await first_answer(stranger, kind, operation.text, ids)
            payload = (answer.get("data") or {}).get(name)
            hidden = payload is None or payload == {"nodes": []} or (isinstance(payload, list) and not any(payload))
            if not hidden and not codes(answer) & {"NOT_FOUND", "INVALID_STATE"}:
                seen.append((name, answer))
    assert seen == []


@pytest.mark.parametrize(("kind", "operations"), TABLE, ids=[kind for kind, _ in TABLE])
async def test_nobody_gets_in_without_a_key(api: Api, kind: str, operations: dict[str, Operation]) -> None:
    """Without a key every operation is UNAUTHENTICATED."""
    ids = await objects(await api.client())
    nobody = api.anonymous()
    let_in = []
    for name, operation in operations.items():
        answer = await first_answer(nobody, kind, operation.text, ids, REFUSAL_SECONDS)
        if codes(answer) != {"UNAUTHENTICATED"}:
            let_in.append(name)
    assert let_in == []


async def test_a_revoked_key_is_refused_and_its_streams_end(api: Api) -> None:
    """After revokeApiKey the key's open subscription ends with UNAUTHENTICATED."""
    owner = await api.client()
    made = await owner.run('mutation { createApiKey(input: {name: "n", role: VIEWER}) { apiKey { id } secret } }')
    ids = await objects(owner)
    viewer = api.with_key(made["secret"])
    text = document("subscription", SUBSCRIPTIONS["walletUpdated"].text)
    async with viewer.watch(text, wallet=ids["wallet"]) as stream:
        await stream.next()
        await owner.run(document("mutation", MUTATIONS["revokeApiKey"].text), apiKey=made["apiKey"]["id"])
        # A purchase of the wallet may still be on its way.
        while "errors" not in (payload := (await stream.message())["payload"]):
            pass
        assert codes(payload) == {"UNAUTHENTICATED"}
    assert codes(await viewer.ask("{ project { name } }")) == {"UNAUTHENTICATED"}
    created = await owner.run("{ apiKeys { nodes { prefix revokedAt } } }")
    assert [key["revokedAt"] is not None for key in created["nodes"] if made["secret"].startswith(key["prefix"])] == [
        True
    ]
