"""What was found when purchases began, and the card that paid for them."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    execute_script(op.get_bind(), Path(__file__).with_name("0016_fraud.sql").read_text())


def downgrade() -> None:
    """Drop it: what was stopped may be tried again."""
    op.execute("drop table fraud_event")
    op.execute("alter table purchase drop column card")
