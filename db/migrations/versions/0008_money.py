"""The money books: double entry in minor units, and how much of each purchase is earned."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the engine that is installed next books what was sold and refunded before."""
    execute_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Drop them with what writes them."""
    names = ("book", "book_sale", "book_refund", "book_refund_end", "book_surplus")
    functions = ", ".join(f"ledger.{name}" for name in (*names, "sale_changed", "refund_changed", "surplus_changed"))
    op.execute(f"drop function if exists {functions} cascade")
    op.execute("drop table money_entry, revenue, revenue_news")
