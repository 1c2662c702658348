"""CSV exports over HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import httpx
import pytest

from domain.permissions import Role
from runtime import exports as runtime_exports
from services import exports, usage_figures
from services.keys import issue_key, revoke_key
from services.recording import record_batch
from services.spending import consume_batch
from tests.builders import owner_of, spend_of, wallet_with
from tests.metered import measured, usage_of
from tests.waiting import found, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from domain.permissions import Actor
    from runtime.budgets import Budget
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


async def test_transactions_of_some_days(api: Api) -> None:
    """Days are those of the zone: today's rows come, those of other days do not."""
    actor = await owner_of(api.coffer)
    wallet = await wallet_with(api.coffer, actor, 100)
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST") for _ in range(3)])
    client = await api.client(Role.VIEWER)
    zone = {"wallet": f"wal_{wallet.uuid.hex}", "time_zone": "Asia/Kathmandu"}
    today = api.coffer.clock().astimezone(ZoneInfo("Asia/Kathmandu")).date()
    before, after = str(today - timedelta(days=1)), str(today + timedelta(days=1))
    asked = [
        {},
        {"from": str(today), "to": str(today)},
        {"to": before},
        {"from": after},
        {"from": before},
        {"to": after},
    ]
    files = [await client.http.get("/export/transactions.csv", params=zone | days) for days in asked]
    assert [len(file.text.splitlines()) - 1 for file in files] == [4, 4, 0, 0, 4, 4]


async def test_metadata_is_exported(api: Api) -> None:
    """What the caller attached comes as JSON."""
    actor = await owner_of(api.coffer)
    wallet = await wallet_with(api.coffer, actor, 100)
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, "API_BASIC_REQUEST", metadata={"order": 'a,"b'})])
    answer = await (await api.client(Role.VIEWER)).http.get("/export/transactions.csv")
    rows = [row for row in csv.DictReader(answer.text.splitlines()) if row["feature"]]
    assert json.loads(rows[-1]["metadata"]) == {"order": 'a,"b'}


async def test_a_project_reads_few_exports_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """While as many are read as a project may, the next one is told to come again; another project's goes on."""
    monkeypatch.setattr(runtime_exports, "SEAT_SECONDS", 0.05)
    one, other = await api.client(Role.VIEWER), await api.client(Role.VIEWER, "another")
    monkeypatch.setattr(runtime_exports, "EXPORTS_OF_A_PROJECT", 0)
    full = await one.http.get("/export/usage.csv")
    monkeypatch.setattr(runtime_exports, "EXPORTS_OF_A_PROJECT", 1)
    assert (full.status_code, (await other.http.get("/export/usage.csv")).status_code) == (503, 200)


async def test_an_export_ends_with_its_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is revoked while its export is read gets no more of it, and a file without an end."""
    actor = await spent(api)
    created = await issue_key(api.coffer.database, "test", Role.VIEWER)
    client = api.with_key(created.secret)

    async def revoke() -> None:
        await revoke_key(api.coffer, actor, created.key.uuid)
        await found(lambda: client.ask("{ project { name } }"), lambda answer: "errors" in answer)

    after_a_chunk(monkeypatch, revoke)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.http.get("/export/transactions.csv")


@pytest.mark.parametrize("question", ["transactions.csv", "usage.csv?group_by=feature"])
async def test_a_client_that_leaves_frees_its_place(api: Api, monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    """An export that nobody reads any more is closed in the middle: its place and its connection are free."""
    monkeypatch.setattr(runtime_exports, "EXPORTS_OF_A_PROJECT", 1)
    await spent(api)
    client = await api.client(Role.VIEWER)
    in_the_middle = asyncio.Event()

    async def wait() -> None:
        in_the_middle.set()
        await asyncio.Event().wait()

    after_a_chunk(monkeypatch, wait)
    async with client.http.stream("GET", f"/export/{question}"):
        await in_the_middle.wait()
    assert (await client.http.get(f"/export/{question}")).status_code == 200
    pool = api.coffer.database._engine.pool  # noqa: SLF001 - to count connections in use
    await until(lambda: pool.checkedout() == 0)  # type: ignore[attr-defined]


async def spent(api: Api) -> Actor:
    """The owner of a project with a wallet and some spends."""
    actor = await owner_of(api.coffer)
    wallet = await wallet_with(api.coffer, actor, 100)
    features = ["API_BASIC_REQUEST", "API_HEAVY_QUERY", "AI_SEARCH"]
    await consume_batch(api.coffer, actor, [spend_of(wallet.uuid, feature) for feature in features])
    return actor


def after_a_chunk(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[None]]) -> None:
    """Have exports read row by row, and the next one do something before its second one."""
    pay, paid = runtime_exports._pay, 0  # noqa: SLF001 - what comes between chunks

    async def pay_and_act(budget: Budget, points: int) -> None:
        nonlocal paid
        paid += 1
        await pay(budget, points)
        if paid == 2:
            await act()

    monkeypatch.setattr(exports, "EXPORT_ROWS", 1)
    monkeypatch.setattr(runtime_exports, "CHUNK_ROWS", 1)
    monkeypatch.setattr(runtime_exports, "_pay", pay_and_act)


async def test_a_long_export_by_metric_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be held in memory at once has a limit, and the answer says so before it begins."""
    monkeypatch.setattr(usage_figures, "MAX_RECORDED_LINES", 1)
    actor = await owner_of(api.coffer)
    wallet = await measured(api.coffer, actor)
    client = await api.client(Role.VIEWER)
    question = "/export/usage.csv?group_by=metric&group_by=member"
    await record_batch(api.coffer, actor, [usage_of(wallet, member="ana")])
    one = await client.http.get(question)
    await record_batch(api.coffer, actor, [usage_of(wallet, member="bo")])
    assert (one.status_code, (await client.http.get(question)).status_code) == (200, 400)


async def test_an_export_needs_a_key_and_a_question_that_can_be(api: Api) -> None:
    """Without a key it is 401, with a wrong word 400, of a wallet that is not the project's 404."""
    client = await api.client(Role.VIEWER)
    asked = ["usage.csv?group_by=x", "usage.csv?from=x", "usage.csv?wallet=x", "transactions.csv?wallet=x"]
    asked += ["transactions.csv?wallet_id=x", "transactions.csv?to=0001-01-01"]
    statuses = [(await client.http.get(f"/export/{path}")).status_code for path in asked]
    client.http.headers.pop("authorization")
    assert [*statuses, (await client.http.get(f"/export/{asked[0]}")).status_code] == [
        *[400, 400, 404, 404],
        *[400, 400, 401],
    ]


async def test_a_partner_reads_last_month(api: Api) -> None:
    """The example prints the header of last month's file with a viewer's key."""
    key = (await api.client(Role.VIEWER)).key
    run = await asyncio.create_subprocess_exec(sys.executable, EXAMPLE, str(key), api.url, stdout=-1)
    printed, _ = await run.communicate()
    assert printed.decode().splitlines() == ["member,feature,credits,events,units,last_activity_at"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nobody"], "401 "), ([], "partner_usage.py KEY"), (["k", "http://127.0.0.1:1"], "The file is not whole")],
)
async def test_a_partner_hears_what_is_wrong(api: Api, words: list[str], said: str) -> None:
    """A key that is none, no key and no server end the example with a sentence instead of a traceback."""
    at = [api.url] if len(words) == 1 else []
    run = await asyncio.create_subprocess_exec(sys.executable, EXAMPLE, *words, *at, stderr=-1)
    _, printed = await run.communicate()
    assert (run.returncode, said in printed.decode(), b"Traceback" in printed) == (1, True, False)
