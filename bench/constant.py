"""A server like the real one whose schema has one mutation more: `constant` answers as `consume` does, from memory."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import strawberry
import uvloop
from strawberry.schema.config import StrawberryConfig

from domain.ledger import TransactionSource, TransactionType
from domain.permissions import Role
from runtime import collector, graphql_view
from runtime.process import open_coffer
from runtime.serving import make_server
from runtime.settings import read_settings
from runtime.telemetry import configure_logs
from schema.context import Info  # noqa: TC001 - Strawberry reads it
from schema.mutation import Mutation
from schema.query import Query
from schema.root import CofferSchema, schema
from schema.scalars import SCALARS
from schema.types.spending import ConsumeInput, ConsumePayload
from services.keys import issue_key

ANSWER: Any = SimpleNamespace(
    transaction=SimpleNamespace(
        wallet_uuid=uuid4(),
        sequence=1,
        type=TransactionType.USAGE_DEDUCTION,
        source=TransactionSource.CONSUME,
        credits=-1,
        balance_before=10,
        balance_after=9,
        created_at=datetime.now(UTC),
    ),
    wallet=SimpleNamespace(uuid=uuid4(), available_credits=9, sequence=1),
)


async def constant(info: Info, input: ConsumeInput) -> ConsumePayload:
    """Ask for the caller, then answer from memory."""
    assert info.context.actor
    assert input.feature
    return ConsumePayload(transaction=ANSWER.transaction, wallet=ANSWER.wallet, replayed=False, errors=[])


@strawberry.type
class BenchMutation(Mutation):
    """The real mutations and the constant one."""

    constant: ConsumePayload = strawberry.mutation(resolver=constant)


async def main(database_url: str, redis_url: str) -> None:
    """Print a key, then serve until told to stop."""
    configure_logs()
    vars(graphql_view)["schema"] = CofferSchema(
        query=Query,
        mutation=BenchMutation,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=schema.extensions,
    )
    settings = read_settings()
    async with open_coffer(settings, database_url, redis_url) as coffer:
        created = await issue_key(coffer.database, "bench", Role.OWNER)
        sys.stdout.write(created.secret + "\n")
        sys.stdout.flush()
        server = make_server(coffer, settings)
        async with collector.paced():
            await server.serve()
        await asyncio.sleep(0)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
