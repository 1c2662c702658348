"""Messages are kept with their jobs by one statement, which names the jobs itself."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the application take a job's number before it writes the job."""
    op.execute("grant usage on sequence job_id_seq to coffer_app")


def downgrade() -> None:
    """Take the right back."""
    op.execute("revoke usage on sequence job_id_seq from coffer_app")
