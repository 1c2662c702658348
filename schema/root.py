"""The schema, guarded."""

import asyncio
import time
from typing import Any

import strawberry
from graphql import GraphQLError, OperationType, execute
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType as Kind

from schema.admission import admit, cost, first_code, measure, refused, too_late
from schema.context import Context
from schema.documents import Document, Documents
from schema.errors import UserError
from schema.events import EventExecutor
from schema.fast_execution import FastExecutor
from schema.guard import Guard
from schema.masking import masked
from schema.mutation import Mutation
from schema.publishing import describe_root
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription
from schema.tracing import Finished


class CofferSchema(strawberry.Schema):
    """Strawberry's schema with its documents, and without a log of every refused one: the guard logs what is ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Strawberry's own
        super().__init__(*args, **kwargs)
        self.documents = Documents(self._schema)

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:  # noqa: ANN401 - Strawberry's own
        """Run a query or mutation. A subscription is an error here: it needs a transport that streams."""
        allowed = kwargs.get("allowed_operation_types") or Kind
        kwargs["allowed_operation_types"] = set(allowed) - {Kind.SUBSCRIPTION}
        try:
            return await super().execute(*args, **kwargs)
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is not Kind.SUBSCRIPTION:
                raise
            message = "A subscription needs a socket (graphql-transport-ws), or accept: text/event-stream."
            return PreExecutionError(data=None, errors=[refused("INVALID_DOCUMENT", message)])

    async def answer(
        self, text: str, variables: dict[str, Any] | None, operation_name: str | None, context: Context
    ) -> ExecutionResult | None:
        """Run a query or mutation of a known, valid document without Strawberry's steps; None for any other."""
        document = self.documents.known(text)
        operation = document.operations.get(operation_name) if document else None
        if document is None or operation is None or operation.operation is OperationType.SUBSCRIPTION:
            return None
        started = time.perf_counter()
        points, refusals = await admit(document, operation_name, variables, context)
        if refusals:
            result: ExecutionResult = PreExecutionError(None, refusals)
        else:
            result = await self._run_in_time(document, operation_name, variables, context)
        if result.errors:
            result.errors = [masked(error, context.request_id) for error in result.errors]
        result.extensions = cost(points, context)
        kind, name = operation.operation.value, operation.name.value if operation.name else None
        code, seconds = first_code(result.errors), time.perf_counter() - started
        measure(Finished(kind, name, document.digest, document.label, points, code, seconds, context.traceparent))
        return result

    async def _run_in_time(
        self, document: Document, operation_name: str | None, variables: dict[str, Any] | None, context: Context
    ) -> ExecutionResult:
        """Execute within the time that an operation may take."""
        try:
            async with asyncio.timeout(context.limits.seconds):
                return await self._run(document, operation_name, variables, context)
        except TimeoutError:
            fault: Exception = too_late(context.limits.seconds)
        except Exception as unforeseen:  # noqa: BLE001 - as Strawberry does: every fault is an answer
            fault = unforeseen
        error = fault if isinstance(fault, GraphQLError) else GraphQLError(str(fault), original_error=fault)
        return PreExecutionError(None, [error])

    async def _run(
        self, document: Document, operation_name: str | None, variables: dict[str, Any] | None, context: Context
    ) -> ExecutionResult:
        """Execute by a plan if there is one, else without middleware: the guard resolves no fields."""
        plan = document.plan(operation_name) if self.execution_context_class is FastExecutor else None
        if plan is not None:
            return await plan.run(context, variables)
        result: Any = execute(
            self._schema,
            document.node,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            executor_class=self.execution_context_class,
        )
        done = await result if optimized_is_awaitable(result) else result
        return ExecutionResult(done.data, done.errors)

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:  # noqa: ANN401
        """Log nothing here."""


schema = CofferSchema(
    query=describe_root(Query),
    mutation=describe_root(Mutation),
    subscription=describe_root(Subscription),
    types=UserError.__subclasses__(),
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    extensions=[Guard],
    execution_context_class=EventExecutor,
)
