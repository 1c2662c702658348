"""The first schema: projects, ledger, purchases, jobs; the application's role; the default prices."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script, remove_engine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "job, lease, simulated_order, gateway_event, refund, purchase, hold, low_balance_alert, usage_rollup,"
    " credit_transaction, wallet, feature_price, price_version, api_key, project"
)


def upgrade() -> None:
    """Create everything."""
    for name in ("0001_first_schema.sql", "0001_rights_and_prices.sql"):
        execute_script(op.get_bind(), Path(__file__).with_name(name).read_text())


def downgrade() -> None:
    """Drop everything. The role stays: other databases of the server may use it."""
    remove_engine(op.get_bind())
    op.execute(f"drop table {TABLES}")
    op.execute("drop owned by coffer_app")
