"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.database import SERVER_SETTINGS
from runtime.process import open_coffer
from tests.builders import free_port, owner_of, settings_for, wallet_with
from tests.conftest import fresh_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded import Servers

AS_APPLICATION = [
    "update credit_transaction set amount = 0",
    "delete from credit_transaction",
    "truncate credit_transaction",
    "insert into credit_transaction select * from credit_transaction",
    "update wallet set available_credits = 1000000",
    "update wallet set sequence = 0",
    "delete from wallet",
    "insert into wallet (uuid, project_id, owner_type, owner_id, sequence) select gen_random_uuid(), 1, 1, 'thief', 5",
    "update usage_rollup set credits = 0",
    "delete from low_balance_alert",
    "update hold set captured = 0",
    "update wallet set debt_credits = 0, frozen = false, next_expiry_at = null",
    "update lot set remaining = 1000000",
    "delete from allocation",
    "update settlement set sequence = 0",
    "delete from account_flow",
    "update seal set digest = ''",
    "update gift set credits = 1000000",
    "update cap set limit_amount = 1000000",
    "insert into cap_usage values (1, now(), 0)",
    "update burn_alert set spent_credits = 0",
    "delete from usage_event",
    "insert into usage_event select * from usage_event",
    "update metric_slot set units = 0",
    "update gauge_slot set units = 0",
    "update project_metric_slot set units = 0",
    "delete from metric_change",
    "insert into metric_change select * from metric_change",
    "update metric set unit = ''",
    "delete from metric",
    "select ledger.book_usage(null)",
    "alter table credit_transaction disable trigger all",
    "select ledger.count_usage(1, now(), 'X', null, null, 1, 1)",
]


@pytest.fixture(scope="module")
async def ledger(servers: Servers, template: str) -> AsyncIterator[str]:
    """A database with a wallet, which no refused statement changes."""
    async with fresh_database(servers, template) as url:
        async with open_coffer(settings_for(free_port()), url, servers.redis_url) as coffer:
            await wallet_with(coffer, await owner_of(coffer), 100)
        yield url


@pytest.mark.parametrize("statement", AS_APPLICATION)
async def test_the_application_role_can_not_touch_the_ledger(ledger: str, statement: str) -> None:
    """With the application's rights a statement that would change a balance or a row is refused."""
    connection = await asyncpg.connect(ledger, server_settings=SERVER_SETTINGS)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize("statement", AS_APPLICATION[:3])
async def test_not_even_the_owner_can_change_a_row(ledger: str, statement: str) -> None:
    """The trigger refuses updates, deletes and truncation to the database's owner too."""
    connection = await asyncpg.connect(ledger)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute(statement)
    await connection.close()


async def test_reset_role_does_not_give_the_owners_rights_back(ledger: str) -> None:
    """RESET ROLE leaves a connection of the application with the application's role."""
    connection = await asyncpg.connect(ledger, server_settings=SERVER_SETTINGS)
    await connection.execute("reset role")
    assert await connection.fetchval("select current_user") == "coffer_app"
    await connection.close()
