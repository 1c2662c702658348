"""The schema, guarded."""

from contextlib import asynccontextmanager, contextmanager
from typing import Any

import strawberry
from graphql import GraphQLError, execute
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.documents import Documents
from schema.errors import UserError
from schema.events import EventExecutor
from schema.guard import Guard, refused
from schema.mutation import Mutation
from schema.publishing import describe_root
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription


class CofferSchema(strawberry.Schema):
    """Strawberry's schema with its documents, and without a log of every refused one: the guard logs what is ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Strawberry's own
        super().__init__(*args, **kwargs)
        self.documents = Documents(self._schema)

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:  # noqa: ANN401 - Strawberry's own
        """Run a query or mutation. A subscription is an error here: it needs a transport that streams."""
        allowed = kwargs.get("allowed_operation_types") or OperationType
        kwargs["allowed_operation_types"] = set(allowed) - {OperationType.SUBSCRIPTION}
        try:
            if len(args) == 1 and self.documents.holds(args[0]):
                return await self._execute_known(self._create_execution_context(*args, **kwargs))
            return await super().execute(*args, **kwargs)
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is not OperationType.SUBSCRIPTION:
                raise
            message = "A subscription needs a socket (graphql-transport-ws), or accept: text/event-stream."
            return PreExecutionError(data=None, errors=[refused("INVALID_DOCUMENT", message)])

    async def _execute_known(self, execution: ExecutionContext) -> ExecutionResult:
        """Run an operation of a known, valid document: Strawberry's steps, with the guard's called one by one."""
        guard = Guard()
        guard.execution_context = execution
        try:
            with contextmanager(guard.on_operation)():
                for _ in guard.on_parse():
                    pass
                result = execution.result = await self._checked(execution, guard)
                result.extensions = guard.get_results()
        except (CannotGetOperationTypeError, InvalidOperationTypeError):
            raise
        except Exception as fault:  # noqa: BLE001 - as Strawberry does: every fault is an answer
            error = fault if isinstance(fault, GraphQLError) else GraphQLError(str(fault), original_error=fault)
            return PreExecutionError(data=None, errors=[error], extensions=guard.get_results())
        return result

    async def _checked(self, execution: ExecutionContext, guard: Guard) -> ExecutionResult:
        """Ask the guard, then run the operation."""
        try:
            kind = execution.operation_type
        except RuntimeError as fault:
            raise CannotGetOperationTypeError(execution.operation_name) from fault
        if kind not in execution.allowed_operations:
            raise InvalidOperationTypeError(kind)
        async for _ in guard.on_validate():
            pass
        if execution.pre_execution_errors:
            return PreExecutionError(data=None, errors=execution.pre_execution_errors)
        async with asynccontextmanager(guard.on_execute)():
            done = await self._run(execution)
        return ExecutionResult(done.data, done.errors)

    async def _run(self, execution: ExecutionContext) -> Any:  # noqa: ANN401 - graphql-core's result
        """Execute without middleware: the guard resolves no fields."""
        assert execution.graphql_document is not None  # noqa: S101 - the guard read it
        result: Any = execute(
            self._schema,
            execution.graphql_document,
            root_value=execution.root_value,
            context_value=execution.context,
            variable_values=execution.variables,
            operation_name=execution.operation_name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            executor_class=self.execution_context_class,
            operation_extensions=execution.operation_extensions,
        )
        return await result if optimized_is_awaitable(result) else result

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
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
