"""Payouts whose money a provider sends, and to whom; and their entries in the money books, which have no purchase."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the engine's functions name columns that change."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0019_payouts.sql").read_text())


def downgrade() -> None:
    """Drop them, and the entries of payouts with them."""
    remove_engine(op.get_bind())
    op.execute("delete from money_entry where purchase_id is null")
    op.execute("alter table money_entry alter column purchase_id set not null")
    op.execute("drop table simulated_transfer, simulated_beneficiary, payout_transfer, beneficiary")
