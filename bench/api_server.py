"""The servers of Coffer's side of `make bench-api`: its edge around a small schema, and a plain JSON endpoint."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import strawberry
import uvicorn
import uvloop
from graphql import execute
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

from domain.permissions import Role
from runtime import collector, graphql_view
from runtime.http import LimitedHttp
from runtime.process import make_server, open_coffer
from runtime.settings import read_settings
from runtime.telemetry import configure_logs
from schema.root import CofferSchema, schema
from services.keys import issue_key

if TYPE_CHECKING:
    from starlette.requests import Request


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

    async def execute(  # type: ignore[override]
        self,
        query: str | None,
        variable_values: Any = None,  # noqa: ANN401
        **more: Any,  # noqa: ANN401
    ) -> ExecutionResult:
        """Run an operation without asking what it costs or who pays."""
        document = self.documents.read(query or "", keep=True)
        result: Any = execute(
            self._schema,
            document.node,
            context_value=more["context_value"],
            variable_values=variable_values,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            executor_class=self.execution_context_class,
        )
        done = await result
        return ExecutionResult(done.data, done.errors)


async def serve_coffer(kind: str, database_url: str, redis_url: str) -> None:
    """Print a key, then serve; `bare` leaves the guard out."""
    configure_logs()
    schema_class = Unguarded if kind == "bare" else CofferSchema
    vars(graphql_view)["schema"] = schema_class(
        query=Query, mutation=Mutation, config=StrawberryConfig(), extensions=schema.extensions
    )
    settings = read_settings()
    async with AsyncExitStack() as stack:
        coffer = await stack.enter_async_context(open_coffer(settings, database_url, redis_url))
        created = await issue_key(coffer.database, "bench", Role.OWNER)
        sys.stdout.write(created.secret + "\n")
        sys.stdout.flush()
        server = make_server(coffer, settings)
        collector.calm()
        await server.serve()


async def _wallet(request: Request) -> JSONResponse:
    await request.json()
    wallet = {"id": "w1", "ownerId": "u1", "currency": "CREDIT", "balance": 12345, "updatedAt": TIME}
    return JSONResponse({"data": {"wallet": wallet}})


async def serve_floor() -> None:
    """Serve a plain Starlette endpoint, with the server's own settings."""
    sys.stdout.write("none\n")
    sys.stdout.flush()
    app = Starlette(routes=[Route("/graphql", _wallet, methods=["POST"])])
    port = read_settings().port
    config = uvicorn.Config(app, port=port, log_level="warning", access_log=False, http=LimitedHttp)
    collector.calm()
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(serve_floor() if sys.argv[1] == "floor" else serve_coffer(sys.argv[1], sys.argv[2], sys.argv[3]))
