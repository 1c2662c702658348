"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.database import SERVER_SETTINGS
from tests.builders import owner_of, wallet_with

if TYPE_CHECKING:
    from services.coffer import Coffer

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
    "update metric set unit = ''",
    "delete from metric",
    "select ledger.book_usage(null)",
    "alter table credit_transaction disable trigger all",
    "select ledger.count_usage(1, now(), 'X', null, null, 1, 1)",
]


@pytest.mark.parametrize("statement", AS_APPLICATION)
async def test_the_application_role_can_not_touch_the_ledger(coffer: Coffer, database_url: str, statement: str) -> None:
    """With the application's rights a statement that would change a balance or a row is refused."""
    actor = await owner_of(coffer)
    await wallet_with(coffer, actor, 100)
    connection = await asyncpg.connect(database_url, server_settings=SERVER_SETTINGS)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize("statement", AS_APPLICATION[:3])
async def test_not_even_the_owner_can_change_a_row(coffer: Coffer, database_url: str, statement: str) -> None:
    """The trigger refuses updates, deletes and truncation to the database's owner too."""
    actor = await owner_of(coffer)
    await wallet_with(coffer, actor, 100)
    connection = await asyncpg.connect(database_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute(statement)
    await connection.close()


async def test_reset_role_does_not_give_the_owners_rights_back(database_url: str) -> None:
    """RESET ROLE leaves a connection of the application with the application's role."""
    connection = await asyncpg.connect(database_url, server_settings=SERVER_SETTINGS)
    await connection.execute("reset role")
    assert await connection.fetchval("select current_user") == "coffer_app"
    await connection.close()
