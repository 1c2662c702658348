"""CSV exports over HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.permissions import Role
from services import exports
from services.spending import consume_batch
from tests.builders import owner_of, spend_of, wallet_with

if TYPE_CHECKING:
    from tests.api.conftest import Api

EXAMPLE = Path(__file__).parents[2] / "examples" / "partner_usage.py"


async def test_a_viewer_exports_what_was_used(api: Api) -> None:
    """Usage by member has one line for each member, with its sums."""
    actor = await owner_of(api.coffer)
    wallet = await wallet_with(api.coffer, actor, 100)
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST", member="a,b") for _ in range(3)])
    viewer = await api.client(Role.VIEWER)
    answer = await viewer.http.get("/export/usage.csv", params={"group_by": "member"})
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [(row["member"], row["events"]) for row in rows] == [("a,b", "3")]


async def test_every_transaction_is_exported(api: Api) -> None:
    """A wallet's transactions come in their order."""
    actor = await owner_of(api.coffer)
    wallet = await wallet_with(api.coffer, actor, 5_000)
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST") for _ in range(999)])
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST") for _ in range(999)])
    viewer = await api.client(Role.VIEWER)
    answer = await viewer.http.get("/export/transactions.csv", params={"wallet": f"wal_{wallet.uuid.hex}"})
    assert [int(row["sequence"]) for row in csv.DictReader(answer.text.splitlines())] == list(range(1, 2_000))


async def test_a_project_is_exported_wallet_by_wallet(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wallet every wallet's transactions come, with its id, also where a page ends within one."""
    monkeypatch.setattr(exports, "EXPORT_ROWS", 2)
    client = await api.client(Role.VIEWER, "another")
    actor = await owner_of(api.coffer, "another")
    wallets = [await wallet_with(api.coffer, actor, 5_000) for _ in range(3)]
    await consume_batch(api.coffer, actor, [spend_of(wallets[1].uuid, "API_BASIC_REQUEST") for _ in range(4)])
    answer = await client.http.get("/export/transactions.csv")
    rows = [(row["wallet"], int(row["sequence"])) for row in csv.DictReader(answer.text.splitlines())]
    ids = [f"wal_{wallet.uuid.hex}" for wallet in wallets]
    assert rows == [(ids[0], 1), *((ids[1], number) for number in range(1, 6)), (ids[2], 1)]


@pytest.mark.parametrize("member", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
async def test_text_is_no_formula(api: Api, member: str) -> None:
    """Text that a spreadsheet would work out gets an apostrophe; numbers and other text stay as they are."""
    actor = await owner_of(api.coffer)
    wallet = await wallet_with(api.coffer, actor, 100)
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST", member=member)])
    client = await api.client(Role.VIEWER)
    usage = await client.http.get("/export/usage.csv", params={"group_by": "member"})
    ledger = await client.http.get("/export/transactions.csv", params={"wallet": f"wal_{wallet.uuid.hex}"})
    rows = list(csv.DictReader(io.StringIO(ledger.text, newline="")))
    assert [row["member"] for row in csv.DictReader(io.StringIO(usage.text, newline=""))] == [f"'{member}"]
    assert [(row["member"], row["credits"]) for row in rows] == [("", "100"), (f"'{member}", "-1")]


async def test_an_export_needs_a_key_and_a_question_that_can_be(api: Api) -> None:
    """Without a key it is 401, with a wrong word 400, of a wallet that is not the project's 404."""
    client = await api.client(Role.VIEWER)
    asked = ["usage.csv?group_by=x", "usage.csv?from=x", "usage.csv?wallet=x", "transactions.csv?wallet=x"]
    statuses = [(await client.http.get(f"/export/{path}")).status_code for path in asked]
    client.http.headers.pop("authorization")
    assert [*statuses, (await client.http.get(f"/export/{asked[0]}")).status_code] == [400, 400, 404, 404, 401]


async def test_a_partner_reads_last_month(api: Api) -> None:
    """The example prints the header of last month's file with a viewer's key."""
    key = (await api.client(Role.VIEWER)).key
    run = await asyncio.create_subprocess_exec(sys.executable, EXAMPLE, str(key), api.url, stdout=-1)
    printed, _ = await run.communicate()
    assert printed.decode().splitlines() == ["member,feature,credits,events,units,last_activity_at"]
