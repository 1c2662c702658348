"""Wallets' usage without keys in a table of its own and in weeks as well; recorded usage on all clocks."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the slots without keys, make the weeks of their days, and days of recorded usage on the clocks there are."""
    execute_script(op.get_bind(), Path(__file__).with_name("0024_usage_totals.sql").read_text())


def downgrade() -> None:
    """Move them back; the release before has no weeks."""
    op.execute("drop schema if exists ledger cascade")
    op.execute(
        "insert into usage_slot (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category,"
        " events, units, credits, last_activity_at)"
        " select wallet_id, 0, grain, utc_offset, slot, '', '', 0, 0, events, units, credits, last_activity_at"
        " from usage_total where grain < 4"
    )
    op.execute("drop table usage_total")
    op.execute("delete from metric_slot where utc_offset not in (0, 330)")
