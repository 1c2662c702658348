"""Saved payment methods and auto-recharge."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and what asks for a recharge in the commit of the spend that made it necessary."""
    execute_script(op.get_bind(), Path(__file__).with_name("0015_recharges.sql").read_text())


def downgrade() -> None:
    """Drop them: what the providers have saved stays there."""
    op.execute("drop trigger ask_for_recharge on low_balance_alert")
    op.execute("drop function ask_for_recharge")
    op.execute("alter table purchase drop column saves_method, drop column saved_method_id, drop column recharge_id")
    op.execute("alter table simulated_order drop column saves_method, drop column charges")
    op.execute("drop table recharge, auto_recharge, saved_method")
