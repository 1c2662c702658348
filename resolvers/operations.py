"""Running a project: keys and jobs."""

from functools import partial
from typing import Any

import strawberry

from resolvers.acts import given, refusable
from schema.context import Info
from schema.enums import JobState
from schema.ids import parse_id, parse_row
from schema.pagination import After, First, connection
from schema.types import operations as types
from services import jobs as job_service
from services import keys as service


async def project(info: Info) -> types.Project:
    """The project that the key belongs to."""
    return types.Project(name=await service.project_of(info.context.coffer, info.context.actor))


async def api_keys(info: Info, first: First = 50, after: After = strawberry.UNSET) -> Any:  # noqa: ANN401
    """The project's keys, newest first (owner)."""
    return await connection(first, after, partial(service.list_keys, info.context.coffer, info.context.actor))


@refusable(types.CreateApiKeyPayload)
async def create_api_key(info: Info, input: types.CreateApiKeyInput) -> types.CreateApiKeyPayload:
    """Make a key; its text is shown this once (owner)."""
    created: Any = await service.create_key(info.context.coffer, info.context.actor, input.name, input.role)
    return types.CreateApiKeyPayload(api_key=created.key, secret=created.secret, errors=[])


@refusable(types.RevokeApiKeyPayload)
async def revoke_api_key(info: Info, id: strawberry.ID) -> types.RevokeApiKeyPayload:
    """Refuse a key from now on and end its subscriptions (owner)."""
    row: Any = await service.revoke_key(info.context.coffer, info.context.actor, parse_id("key", id))
    return types.RevokeApiKeyPayload(api_key=row, errors=[])


async def jobs(
    info: Info, first: First = 50, after: After = strawberry.UNSET, state: JobState | None = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """The project's background work, newest first (owner, admin)."""
    words = (info.context.coffer, info.context.actor, given(state))
    return await connection(first, after, partial(job_service.list_jobs, *words))


@refusable(types.ReplayJobPayload)
async def replay_job(info: Info, id: strawberry.ID) -> types.ReplayJobPayload:
    """Run a dead job again (owner, admin)."""
    row: Any = await job_service.replay_job(info.context.coffer, info.context.actor, parse_row("job", id))
    return types.ReplayJobPayload(job=row, errors=[])
