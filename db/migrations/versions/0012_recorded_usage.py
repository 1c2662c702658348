"""Metrics, usage recorded under them, and its sums."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    execute_script(op.get_bind(), Path(__file__).with_name("0012_recorded_usage.sql").read_text())


def downgrade() -> None:
    """Drop them: what was recorded is lost, what was charged for it stands in the ledger."""
    remove_engine(op.get_bind())
    op.execute("drop table metric_slot, usage_event, metric")
