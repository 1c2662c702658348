"""Subscriptions, lost messages about what went back, and the end of old messages."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    execute_script(op.get_bind(), Path(__file__).with_name("0018_subscriptions.sql").read_text())


def downgrade() -> None:
    """Drop them: subscriptions stay at their providers, and their renewals grant nothing."""
    op.execute("drop table reversal_sweep")
    op.execute("alter table purchase drop column subscription_row_id, drop column subscription_uuid")
    op.execute("alter table purchase drop column interval")
    op.execute("drop table subscription")
    op.execute("alter table simulated_order drop column renews")
    op.execute("drop index ix_gateway_event_received_at")
    op.execute("revoke delete on gateway_event from coffer_app")
