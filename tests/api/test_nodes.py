"""Objects of any kind by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from domain.limits import MAX_PAGE_ITEMS
from domain.permissions import Role
from tests.api.conftest import lasting_api
from tests.api.test_access import codes, objects
from tests.builders import free_port, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded import Servers
    from tests.api.client import Client
    from tests.api.conftest import Api

NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Wallet { ownerId } } }"
SPEND = "mutation($input: ConsumeInput!) { consume(input: $input) { replayed } }"
LOTS = "query($id: ID!) { lots(walletId: $id) { nodes { id remaining } } }"
LOT = "query($id: ID!) { node(id: $id) { ... on Lot { remaining } } }"
TYPES = {
    "wallet": "Wallet",
    "transaction": "CreditTransaction",
    "purchase": "Purchase",
    "hold": "Hold",
    "payout": "Payout",
    "beneficiary": "Beneficiary",
    "vendor": "Vendor",
    "gift": "Gift",
    "cap": "Cap",
    "apiKey": "ApiKey",
}


@pytest.fixture(scope="module")
async def api(servers: Servers, template: str) -> AsyncIterator[Api]:
    """One server for all."""
    async with lasting_api(settings_for(free_port()), servers, template) as running:
        yield running


@pytest.fixture(scope="module")
async def owner(api: Api) -> Client:
    """The owner of the project."""
    return await api.client()


@pytest.fixture(scope="module")
async def ids(owner: Client) -> dict[str, Any]:
    """An object of each kind."""
    return await objects(owner)


async def test_every_id_gives_its_object(owner: Client, ids: dict[str, Any]) -> None:
    """Each kind of id answers an object of its type with that id."""
    job = (await owner.run("{ jobs { nodes { id } } }"))["nodes"][0]["id"]
    lot = (await owner.run(LOTS, id=ids["wallet"]))["nodes"][0]["id"]
    wanted = {ids[name]: type_ for name, type_ in TYPES.items()} | {job: "Job", lot: "Lot"}
    found = {text: (await owner.run(NODE, id=text)) for text in wanted}
    assert found == {text: {"__typename": type_, "id": text} for text, type_ in wanted.items()}


async def test_nodes_keep_their_order_and_repeat(owner: Client, ids: dict[str, Any]) -> None:
    """The answer has an object for each id as it was asked, also twice."""
    wanted = [ids[name] for name in ("gift", "wallet", "other", "hold", "wallet")]
    assert [found["id"] for found in await owner.run(NODES, ids=wanted)] == wanted


@pytest.mark.parametrize(
    "text", ["", "wal_", "wal_zz", "x_1", "job_0", "job_99999999999999999999", "job_٣", "txn_1_1", "wal_\x00", "_", "é"]
)
async def test_what_is_no_id_is_null(owner: Client, text: str) -> None:
    """An id of no kind, or of a number that can't be, is null without an error."""
    assert await owner.run(NODE, id=text) is None


async def test_a_lot_says_what_is_left_now(owner: Client, ids: dict[str, Any]) -> None:
    """A lot found by its id has what `lots` says, also when the wallet was not settled since the spend."""
    lot = (await owner.run(LOTS, id=ids["wallet"]))["nodes"][-1]
    spend = {"walletId": ids["wallet"], "feature": "AI_SUMMARY", "idempotencyKey": "s"}
    await owner.run(SPEND, input=spend)
    assert await owner.run(LOT, id=lot["id"]) == {"remaining": lot["remaining"] - 15}


async def test_another_projects_objects_are_null(api: Api, owner: Client, ids: dict[str, Any]) -> None:
    """Ids of every kind, caps and lots among them, give nothing to an owner of another project."""
    lot = (await owner.run(LOTS, id=ids["wallet"]))["nodes"][0]["id"]
    wanted = [*(ids[name] for name in TYPES), lot]
    assert await (await api.client(project="other")).run(NODES, ids=wanted) == [None] * len(wanted)


async def test_a_hold_is_no_payout(owner: Client, ids: dict[str, Any]) -> None:
    """The digits of a hold under the word of a payout are null."""
    assert await owner.run(NODE, id=ids["hold"].replace("hold_", "pay_")) is None


@pytest.mark.parametrize(("role", "hidden"), [(Role.ADMIN, {"apiKey"}), (Role.VIEWER, {"apiKey", "job"})])
async def test_an_id_that_a_role_may_not_see_is_forbidden_alone(
    api: Api, ids: dict[str, Any], role: Role, hidden: set[str]
) -> None:
    """FORBIDDEN stands at the place of such an id; the others are answered."""
    wanted = {"wallet": ids["wallet"], "apiKey": ids["apiKey"], "job": "job_1"}
    names = list(wanted)
    answer: Any = await (await api.client(role)).ask(NODES, ids=list(wanted.values()))
    assert codes(answer) == {"FORBIDDEN"}
    assert {names[error["path"][1]] for error in answer["errors"]} == hidden
    assert answer["data"]["nodes"][0]["id"] == ids["wallet"]


async def test_a_hundred_ids_are_the_most(owner: Client) -> None:
    """One id more than a page has is INVALID_INPUT."""
    assert await owner.run(NODES, ids=["x"] * MAX_PAGE_ITEMS) == [None] * MAX_PAGE_ITEMS
    assert codes(await owner.ask(NODES, ids=["x"] * (MAX_PAGE_ITEMS + 1))) == {"INVALID_INPUT"}


async def test_one_query_finds_all_of_a_kind(owner: Client) -> None:
    """Thirty wallets by nodes and three more by node cost one statement."""
    made = [
        await owner.run(
            f'mutation {{ createWallet(input: {{ownerType: USER, ownerId: "w{n}"}}) {{ wallet {{ id }} }} }}'
        )
        for n in range(33)
    ]
    ids = [answer["wallet"]["id"] for answer in made]
    single = " ".join(f'n{n}: node(id: "{text}") {{ id }}' for n, text in enumerate(ids[30:]))
    document = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id }} {single} }}"
    await owner.ask(document, ids=ids)
    statements: list[str] = []

    def note(*words: Any) -> None:  # noqa: ANN401 - SQLAlchemy's event
        if "wallet.uuid IN" in words[2]:
            statements.append(words[2])

    event.listen(Engine, "before_cursor_execute", note)
    answer = await owner.ask(document, ids=ids[:30])
    event.remove(Engine, "before_cursor_execute", note)
    assert [row["id"] for row in answer["data"]["nodes"]] == ids[:30]
    assert len(statements) == 1


@pytest.mark.parametrize(("given", "points"), [("[]", 1), ('["a", "b"]', 3), ("$ids", 4)])
async def test_nodes_cost_as_many_points_as_ids(owner: Client, given: str, points: int) -> None:
    """An object is one point, however the ids are given."""
    head = "query($ids: [ID!]!)" if given == "$ids" else "query"
    answer = await owner.ask(f"{head} {{ nodes(ids: {given}) {{ id }} }}", ids=["a", "b", "c"])
    assert answer["extensions"]["cost"]["requested"] == points
