"""An index of the waiting jobs that are not providers' messages: a backlog of messages hides none of them."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.execute("create index ix_job_other on job (run_at) where state = 1 and kind <> 'gateway.event'")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop index ix_job_other")
