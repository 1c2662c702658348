"""Running a project: keys and jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from schema.context import Info
from schema.enums import JobState, Role
from schema.errors import UserError
from schema.ids import public_id
from schema.publishing import accepted, published
from schema.scalars import BigInt
from schema.types.wallets import Node


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
    uuid: strawberry.Private[UUID]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Names the object among all objects."""
        return strawberry.ID(public_id("key", self.uuid))

    @classmethod
    def is_type_of(cls, _row: object, _info: Info) -> bool:
        """Rows are published as they are."""
        return True


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

    @strawberry.field
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """Names the object among all objects."""
        return strawberry.ID(f"job_{root.id}")

    @classmethod
    def is_type_of(cls, _row: object, _info: Info) -> bool:
        """Rows are published as they are."""
        return True


@published
class ReplayJobPayload:
    """The job, ready again, or why not."""

    job: Job | None = None
    """The job as it stands now; null when the act was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
