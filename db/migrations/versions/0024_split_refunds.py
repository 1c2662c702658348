"""What refunds take back of the parts that vendors got."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0024_split_refunds.sql").read_text())


def downgrade() -> None:
    """Drop them, and the entries of what was taken back with them."""
    remove_engine(op.get_bind())
    op.execute("delete from money_entry where kind in (14, 15)")
    op.execute("drop table split_refund")
    op.execute("alter table purchase_split drop column refunded_minor")
