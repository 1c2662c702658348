"""E-mails to owners: their preferences, what was sent, and which low balances were told of."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    execute_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table notification, notification_preference")
    op.execute("alter table low_balance_alert drop column notified_at")
