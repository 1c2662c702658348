"""Recorded usage of whole projects: sums of all wallets, gauges in slots of their own, and a queue of changes."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and fill them from the sums that are there."""
    execute_script(op.get_bind(), Path(__file__).with_name("0027_project_metrics.sql").read_text())


def downgrade() -> None:
    """Drop them."""
    op.execute("drop schema if exists ledger cascade")
    for table in ("metric_change", "project_metric_slot", "gauge_slot"):
        op.execute(f"drop table {table}")
