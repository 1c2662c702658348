"""Usage in slots of 15 minutes and of a day, by feature, member, API key and category."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the worker fills them from the ledger."""
    execute_script(op.get_bind(), Path(__file__).with_name("0005_usage.sql").read_text())


def downgrade() -> None:
    """Drop them: nothing is lost that does not stand in the ledger."""
    op.execute("drop table usage_slot, usage_cursor")
