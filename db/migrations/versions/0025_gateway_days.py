"""Days whose books were compared with what providers list, and the simulated provider's own list."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what the simulated provider took and gave back so far is listed by its orders' times."""
    execute_script(op.get_bind(), Path(__file__).with_name("0025_gateway_days.sql").read_text())


def downgrade() -> None:
    """Drop them."""
    op.execute("drop index ix_money_entry_created_at")
    op.execute("drop table simulated_movement")
    op.execute("drop table gateway_day")
