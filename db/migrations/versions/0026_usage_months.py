"""Wallets' totals and features in arrays by day, a row for each month, in place of totals in days, weeks and months."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the months from the days by every key."""
    execute_script(op.get_bind(), Path(__file__).with_name("0026_usage_months.sql").read_text())


def downgrade() -> None:
    """Make the totals of the release before from the days by every key."""
    execute_script(op.get_bind(), Path(__file__).with_name("0026_usage_totals.sql").read_text())
