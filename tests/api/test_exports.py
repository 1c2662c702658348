"""CSV exports over HTTP."""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from domain.permissions import Role
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


async def test_an_export_needs_a_key_and_a_question_that_can_be(api: Api) -> None:
    """Without a key it is 401, with a wrong word 400."""
    client = await api.client(Role.VIEWER)
    asked = ["/export/usage.csv?group_by=x", "/export/usage.csv?from=x", "/export/transactions.csv?wallet=x"]
    statuses = [(await client.http.get(path)).status_code for path in asked]
    client.http.headers.pop("authorization")
    assert [*statuses, (await client.http.get(asked[0])).status_code] == [400, 400, 400, 401]


async def test_a_partner_reads_last_month(api: Api) -> None:
    """The example prints the header of last month's file with a viewer's key."""
    key = (await api.client(Role.VIEWER)).key
    run = await asyncio.create_subprocess_exec(sys.executable, EXAMPLE, str(key), api.url, stdout=-1)
    printed, _ = await run.communicate()
    assert printed.decode().splitlines() == ["member,feature,credits,events,units,last_activity_at"]
