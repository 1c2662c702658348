"""GST invoices: sellers, buyers' billing details, consecutive numbers, and the documents."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the engine makes invoices immutable."""
    execute_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table invoice, invoice_counter, billing_details, seller")
