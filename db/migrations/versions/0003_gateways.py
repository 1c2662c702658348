"""What real gateways need: the subject of a webhook, which gateways a project uses, payments that came twice."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    execute_script(op.get_bind(), Path(__file__).with_suffix(".sql").read_text())


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table project_gateway, surplus_payment")
    op.execute("drop index uq_purchase_gateway_payment_id")
    op.execute("alter table gateway_event drop column kind")
