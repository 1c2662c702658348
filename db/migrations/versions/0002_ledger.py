"""The ledger at full strength."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what holds, lots, caps and proofs need. The engine is installed anew after the migrations."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0002_ledger.sql").read_text())


def downgrade() -> None:
    """Back to the first schema."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0002_ledger_down.sql").read_text())
