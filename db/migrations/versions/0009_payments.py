"""An index for payment figures by day."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it."""
    execute_script(op.get_bind(), Path(__file__).with_name("0009_payments.sql").read_text())


def downgrade() -> None:
    """Drop it."""
    op.execute("drop index ix_purchase_project_id_created_at")
