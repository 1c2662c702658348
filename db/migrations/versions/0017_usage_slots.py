"""Usage of projects beside that of wallets, in months as well, and in days of Indian time."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables anew; the worker fills them from the ledger."""
    execute_script(op.get_bind(), Path(__file__).with_name("0017_usage_slots.sql").read_text())


def downgrade() -> None:
    """Bring back the tables of 0005, empty: the worker of that release fills them."""
    op.execute("drop schema if exists ledger cascade")
    op.execute("drop table usage_slot, usage_cursor, project_usage_slot, usage_fold")
    execute_script(op.get_bind(), Path(__file__).with_name("0005_usage.sql").read_text())
