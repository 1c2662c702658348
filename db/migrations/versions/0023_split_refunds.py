"""What refunds take back of the parts that vendors got, and owners' wish to hear of subscriptions that end."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_EVERYTHING = "kinds @> array[1, 2, 3, 4, 5, 6, 7]::smallint[]"


def upgrade() -> None:
    """Make the table and the column; who wanted to hear of everything hears of subscriptions as well."""
    remove_engine(op.get_bind())
    execute_script(op.get_bind(), Path(__file__).with_name("0023_split_refunds.sql").read_text())
    op.execute(f"update notification_preference set kinds = kinds || 8::smallint where {_EVERYTHING}")  # noqa: S608


def downgrade() -> None:
    """Drop them, and the entries of what was taken back with them."""
    remove_engine(op.get_bind())
    op.execute("update notification_preference set kinds = array_remove(kinds, 8::smallint)")
    op.execute("delete from money_entry where kind in (14, 15)")
    op.execute("drop table split_refund")
    op.execute("alter table purchase_split drop column refunded_minor")
