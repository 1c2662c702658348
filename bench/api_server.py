"""The servers of Coffer's side of `make bench-api`: its edge around a small schema, and a plain JSON endpoint."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import strawberry
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from strawberry.schema.config import StrawberryConfig

from domain.permissions import Role
from domain.wallets import OwnerType
from runtime import collector, graphql_view
from runtime.http import LimitedHttp
from runtime.process import open_coffer
from runtime.serving import make_server
from runtime.settings import read_settings
from runtime.telemetry import configure_logs
from schema.ids import parse_id, public_id
from schema.root import CofferSchema, schema
from services.keys import authenticate, issue_key
from services.wallets import create_wallet, get_wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from strawberry.types import ExecutionResult

    from domain.permissions import Actor
    from schema.context import Context
    from services.coffer import Coffer

    Endpoint = Callable[[Request], Coroutine[Any, Any, JSONResponse]]

WALLETS = 32
"""Of the servers that read from the database: one for each connection of the load."""


@strawberry.type
class BenchWallet:
    """A wallet."""

    id: strawberry.ID
    owner_id: str
    currency: str
    balance: int
    updated_at: str


@strawberry.type
class BenchTransaction:
    """A movement."""

    id: strawberry.ID
    wallet_id: str
    kind: str
    amount: int
    currency: str
    description: str
    created_at: str
    balance_after: int


@strawberry.input
class SpendInput:
    """What to spend."""

    wallet_id: strawberry.ID
    amount: int
    currency: str
    idempotency_key: str


@strawberry.type
class SpendPayload:
    """What was spent."""

    wallet: BenchWallet
    transaction: BenchTransaction


TIME = "2026-11-21T00:00:00Z"
WALLET = BenchWallet(id=strawberry.ID("w1"), owner_id="u1", currency="CREDIT", balance=12345, updated_at=TIME)
TRANSACTIONS = [
    BenchTransaction(
        id=strawberry.ID(f"t{number}"),
        wallet_id="w1",
        kind="CONSUME",
        amount=number,
        currency="CREDIT",
        description=f"usage of model {number}",
        created_at=TIME,
        balance_after=12345 - number,
    )
    for number in range(50)
]


@strawberry.type
class Query:
    """What is read."""

    @strawberry.field
    async def wallet(self, id: strawberry.ID) -> BenchWallet | None:
        """The wallet."""
        assert id
        return WALLET

    @strawberry.field
    async def transactions(self, first: int = 50) -> list[BenchTransaction]:
        """Its movements."""
        return TRANSACTIONS[:first]


@strawberry.type
class Mutation:
    """What is done."""

    @strawberry.mutation
    async def spend(self, input: SpendInput) -> SpendPayload:
        """Spend."""
        assert input.idempotency_key
        return SpendPayload(wallet=WALLET, transaction=TRANSACTIONS[0])


class Unguarded(CofferSchema):
    """The same schema without the guard: documents come from the cache and run at once."""

    async def answer(
        self, text: str, variables: dict[str, Any] | None, operation_name: str | None, context: Context
    ) -> ExecutionResult | None:
        """Run an operation without asking what it costs or who pays."""
        document = self.documents.known(text)
        plan = document.plan(operation_name) if document else None
        return await plan.run(context, variables) if plan else None


async def serve_coffer(kind: str, database_url: str, redis_url: str) -> None:
    """Print a key and a wallet, then serve; `bare` leaves the guard out, `product` has the product's own schema."""
    configure_logs()
    if kind != "product":
        schema_class = Unguarded if kind == "bare" else CofferSchema
        vars(graphql_view)["schema"] = schema_class(
            query=Query, mutation=Mutation, config=StrawberryConfig(), extensions=schema.extensions
        )
    settings = read_settings()
    async with AsyncExitStack() as stack:
        coffer = await stack.enter_async_context(open_coffer(settings, database_url, redis_url))
        created = await issue_key(coffer.database, "bench", Role.OWNER)
        _, wallet_ids = await _own_wallets(coffer)
        _say(f"{created.secret} {wallet_ids}")
        server = make_server(coffer, settings)
        async with collector.paced():
            await server.serve()


async def serve_plain(kind: str, database_url: str, redis_url: str) -> None:
    """Serve a plain Starlette endpoint with the server's settings: from memory, or (`plain read`) a wallet's row."""
    settings = read_settings()
    async with AsyncExitStack() as stack:
        endpoint: Endpoint = _from_memory
        wallet_ids = "w1"
        if kind == "plain read":
            coffer = await stack.enter_async_context(open_coffer(settings, database_url, redis_url))
            actor, wallet_ids = await _own_wallets(coffer)
            endpoint = _reading(coffer, actor)
        _say(f"none {wallet_ids}")
        app = Starlette(routes=[Route("/graphql", endpoint, methods=["POST"])])
        config = uvicorn.Config(app, port=settings.port, log_level="warning", access_log=False, http=LimitedHttp)
        async with collector.paced():
            await uvicorn.Server(config).serve()


async def _from_memory(request: Request) -> JSONResponse:
    await request.json()
    wallet = {"id": "w1", "ownerId": "u1", "currency": "CREDIT", "balance": 12345, "updatedAt": TIME}
    return JSONResponse({"data": {"wallet": wallet}})


def _reading(coffer: Coffer, actor: Actor) -> Endpoint:
    """An endpoint that reads what the product's wallet query reads, without keys, limits or budgets."""

    async def endpoint(request: Request) -> JSONResponse:
        asked = await request.json()
        row = await get_wallet(coffer, actor, parse_id("wal", asked["variables"]["id"]))
        assert row
        wallet = {"id": public_id("wal", row.uuid), "ownerId": row.owner_id, "availableCredits": row.available_credits}
        times = {"sequence": row.sequence, "updatedAt": row.updated_at.isoformat()}
        return JSONResponse({"data": {"wallet": wallet | times}})

    return endpoint


async def _own_wallets(coffer: Coffer) -> tuple[Actor, str]:
    """The benchmark's owner and its wallets' ids."""
    created = await issue_key(coffer.database, "bench", Role.OWNER)
    actor = await authenticate(coffer, created.secret)
    assert actor
    wallets = [await create_wallet(coffer, actor, OwnerType.USER, f"u{n}", None) for n in range(WALLETS)]
    return actor, " ".join(public_id("wal", wallet.uuid) for wallet in wallets)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run((serve_plain if sys.argv[1].startswith("plain") else serve_coffer)(*sys.argv[1:]))
