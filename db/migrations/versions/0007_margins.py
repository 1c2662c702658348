"""What features cost to provide."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    execute_script(op.get_bind(), Path(__file__).with_name("0007_margins.sql").read_text())


def downgrade() -> None:
    """Drop it, with the costs that owners set."""
    op.execute("drop table feature_cost")
