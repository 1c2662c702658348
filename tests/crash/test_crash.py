"""A short crash run, and what its audit sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from db import transactions
from schema.ids import public_id
from services.spending import consume
from tests.builders import owner_of, spend_of, wallet_with
from tests.crash.acts import Act, grant, spend
from tests.crash.books import audit
from tests.crash.run import crash

if TYPE_CHECKING:
    from pathlib import Path

    from services.coffer import Coffer

KILLS = 2
"""One of PostgreSQL and one of a server."""

RUN_SECONDS = 300
FEATURE = "API_BASIC_REQUEST"


@pytest.mark.timeout(RUN_SECONDS)
async def test_nothing_is_lost_or_doubled_when_servers_are_killed(tmp_path: Path) -> None:
    """Kill -9 of PostgreSQL and of a server under load: what was acknowledged is there, and a retry doubles none."""
    tally = await crash(tmp_path, 20, KILLS, print)
    findings = tally.findings
    assert (tally.kills, findings.lost, findings.doubled, findings.broken) == (KILLS, [], [], [])


@pytest.mark.timeout(RUN_SECONDS)
async def test_a_database_that_answers_too_early_is_found_out(tmp_path: Path) -> None:
    """With commits that are acknowledged before they are on disk, the first kill of PostgreSQL shows losses."""
    early = {"synchronous_commit": "off", "wal_writer_delay": "10s"}
    tally = await crash(tmp_path, 20, 1, print, early)
    assert tally.findings.lost


async def acts_of(coffer: Coffer, key: str) -> list[Act]:
    """A grant of 100 and a spend of 1 on a new wallet, with the answers that a client would have."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 100)
    spent = await consume(coffer, actor, spend_of(wallet.uuid, FEATURE, key))
    async with coffer.database.reading() as session:
        granted = await transactions.at(session, wallet.id, 1)
    public = public_id("wal", wallet.uuid)
    first, second = grant(granted.idempotency_key, public, 100), spend(key, public, FEATURE, 1)
    return [replace(first, answer=answer_of(granted)), replace(second, answer=answer_of(spent.transaction))]


def answer_of(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    return {
        "transaction": {
            "sequence": row.sequence,
            "balanceBefore": row.balance_before,
            "balanceAfter": row.balance_after,
        },
        "wallet": {"sequence": row.sequence, "availableCredits": row.balance_after},
    }


async def test_the_audit_finds_nothing_wrong_with_right_answers(coffer: Coffer, database_url: str) -> None:
    """Acts that stand in the books as they were answered give no finding."""
    assert not await audit(database_url, await acts_of(coffer, "right"))


async def test_the_audit_sees_a_lost_act(coffer: Coffer, database_url: str) -> None:
    """An answered act without a row is lost."""
    acts = await acts_of(coffer, "kept")
    findings = await audit(database_url, [*acts, replace(acts[1], key="gone")])
    assert findings.lost == ["spend gone has no row"]


async def test_the_audit_sees_an_act_stored_otherwise(coffer: Coffer, database_url: str) -> None:
    """An act whose row has other balances than its answer is lost."""
    granted, spent = await acts_of(coffer, "other")
    answer = dict(spent.answer or {}) | {"transaction": {"sequence": 2, "balanceBefore": 99, "balanceAfter": 98}}
    findings = await audit(database_url, [granted, replace(spent, answer=answer)])
    assert [line.split(" was answered")[0] for line in findings.lost] == ["spend other"]


async def test_the_audit_sees_a_state_that_was_taken_back(coffer: Coffer, database_url: str) -> None:
    """A wallet that was shown at a sequence which the books do not have is lost."""
    granted, spent = await acts_of(coffer, "shown")
    answer = dict(spent.answer or {}) | {"wallet": {"sequence": 3, "availableCredits": 98}}
    findings = await audit(database_url, [granted, replace(spent, answer=answer)])
    assert [line.split(" showed")[0] for line in findings.lost] == ["spend shown"]


async def test_the_audit_sees_a_second_effect(coffer: Coffer, database_url: str) -> None:
    """A wallet that paid twice for one act is doubled, whatever the keys say."""
    granted, spent = await acts_of(coffer, "twice")
    connection = await asyncpg.connect(database_url)
    uuid = await connection.fetchval("select uuid from wallet")
    await connection.close()
    await consume(coffer, await owner_of(coffer), spend_of(uuid, FEATURE))
    findings = await audit(database_url, [granted, spent])
    assert findings.doubled == [f"{spent.wallet} owns 98 credits where its acts add up to 99"]


async def test_the_audit_sees_a_key_with_two_rows(coffer: Coffer, database_url: str) -> None:
    """A key that was posted on a second wallet too is doubled."""
    acts = await acts_of(coffer, "same")
    await acts_of(coffer, "same")
    findings = await audit(database_url, acts)
    assert findings.doubled == ["spend same has 2 rows"]
