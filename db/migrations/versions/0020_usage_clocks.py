"""Days of usage on the clocks that a project asks for, and events of one metric by their order."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the index."""
    execute_script(op.get_bind(), Path(__file__).with_name("0020_usage_clocks.sql").read_text())


def downgrade() -> None:
    """Drop them, and the slots of clocks that the release before does not keep up."""
    op.execute("drop schema if exists ledger cascade")
    op.execute("delete from usage_slot where utc_offset not in (0, 330)")
    op.execute("delete from project_usage_slot where utc_offset not in (0, 330)")
    op.execute("drop index ix_usage_event_wallet_id_metric_id_id")
    op.execute("drop table usage_clock")
