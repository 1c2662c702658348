"""Stored forecasts of usage, and alerts of short runways."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from db.migrate import execute_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    execute_script(op.get_bind(), Path(__file__).with_name("0004_forecasts.sql").read_text())


def downgrade() -> None:
    """Drop them: forecasts are made anew, the alerts and the wallets' own numbers of days are lost."""
    op.execute("drop table runway_alert, runway_watch, usage_forecast")
