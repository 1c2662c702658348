"""Refunds are followed to their end, disputes are rows, and messages know their project and their job."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new and work out from the old rows what it would have been."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0010_refunds.sql").read_text())


def downgrade() -> None:
    """Drop it; refunds that the provider began have no key, so they get one."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0010_refunds_down.sql").read_text())
