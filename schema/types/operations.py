"""Running a project: keys and jobs."""

from datetime import datetime

import strawberry

from schema.enums import JobState, Role
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt
from schema.types.nodes import Node, id_field


@published
class Project:
    """The tenant that the caller's key belongs to."""

    name: str
    """Its name."""


@published
class ApiKey(Node):
    """A bearer key. Its text is shown once, when it is made."""

    name: str
    """What it is for."""
    prefix: str
    """The first characters of its text, to recognise it by."""
    role: Role
    """What it may do."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None
    """From when it is refused."""
    id: strawberry.ID = id_field("key")


@accepted
class CreateApiKeyInput:
    """A key to make."""

    name: str
    """What it is for."""
    role: Role
    """What it may do."""


@published
class CreateApiKeyPayload:
    """The key and its text, or why there is none."""

    api_key: ApiKey | None = None
    """The key without its text; null when the act was refused."""
    secret: str | None = None
    """The key's text: keep it, it is not shown again."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class RevokeApiKeyPayload:
    """The key as revoked, or why not."""

    api_key: ApiKey | None = None
    """The key without its text; null when the act was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class Job(Node):
    """Background work of the project."""

    queue: str
    """The queue it stands in."""
    kind: str
    """What it does."""
    state: JobState
    """Where it stands."""
    attempts: BigInt
    """How often it was tried."""
    run_at: datetime
    """When it is due."""
    last_error: str | None
    """Why the last attempt failed."""
    created_at: datetime
    """When it was asked for."""
    id: strawberry.ID = id_field("job", "id")


@published
class ReplayJobPayload:
    """The job, ready again, or why not."""

    job: Job | None = None
    """The job as it stands now; null when the act was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
