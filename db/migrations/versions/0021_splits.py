"""Vendors, and the parts of purchases' money that go to them."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the engine names them."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0021_splits.sql").read_text())


def downgrade() -> None:
    """Drop them, and the entries of splits with them."""
    remove_engine(op.get_bind())
    op.execute("delete from money_entry where kind = 13")
    op.execute("drop table purchase_split, vendor")
