"""Jobs remember that a message broker has been told of them."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark and what finds it."""
    execute_script(op.get_bind(), Path(__file__).with_name("0006_handover.sql").read_text())


def downgrade() -> None:
    """Drop the mark: it says nothing that is not found out again."""
    op.execute("alter table job drop column handed_until")
