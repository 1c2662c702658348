"""Operations of one plain field, run without graphql-core's work for each request.

Where the field's arguments come from variables as they are, its resolver is a coroutine function and its answer can be
compiled, a plan calls the resolver and builds the answer. What is not plain goes to graphql-core: before the resolver
was called, the whole operation; after it, with what the resolver answered, so that nothing is done twice.
tests/schema/test_plans.py compares the answers. `COFFER_FAST_EXECUTION=false` switches plans off too.
"""

# ruff: noqa: ANN401 - rows, parts of answers and what graphql-core hands around can be anything

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
)
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable
from strawberry.types import ExecutionResult, Info

from schema.fast_execution import FastExecutor, varies
from schema.fast_inputs import Arguments
from schema.fast_values import Unusual


class Plan:
    """One operation whose only field was compiled. Unusual when it is not plain."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation_name: str | None) -> None:
        self._schema, self._document, self._operation_name = schema, document, operation_name
        operation = get_operation_ast(document, operation_name)
        fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
        if operation is None or operation.operation is OperationType.SUBSCRIPTION or varies([operation, *fragments]):
            raise Unusual
        parent = schema.get_root_type(operation.operation)
        executor: Any = FastExecutor.of_shape(schema, document, operation)
        fields = executor.root_fields(parent)
        if parent is None or len(fields) != 1:
            raise Unusual
        self._key, details = next(iter(fields.items()))
        node = details[0].node
        field = schema.get_field(parent, node.name.value)
        own = field.extensions.get("strawberry-definition") if field and field.extensions else None
        self._resolve = _coroutine_function(own)
        if field is None or own is None or len(details) != 1:
            raise Unusual
        self._takes_info = own.base_resolver.info_parameter is not None
        self._own, self._at = own, (field, [node], parent, Path(None, self._key, parent.name))
        self._arguments = Arguments(schema, operation, field, node, own).read
        self._complete = executor.converter(field.type, details)

    async def run(self, context: Any, variables: dict[str, Any] | None) -> ExecutionResult:
        """Execute the operation."""
        values = variables or {}
        try:
            arguments = self._arguments(values)
        except Exception:  # noqa: BLE001 - graphql-core says what is wrong with them
            return await self._stock(context, values)
        if self._takes_info:
            place: Any = _Place(self, context, values)
            arguments["info"] = Info(_raw_info=place, _field=self._own)
        try:
            answer = await self._resolve(**arguments)
        except Exception as fault:  # noqa: BLE001 - graphql-core places it in the answer
            return await self._stock(context, values, _raising(fault))
        try:
            return ExecutionResult({self._key: self._complete(answer)}, None)
        except Exception:  # noqa: BLE001 - graphql-core does it again, and says what is wrong
            return await self._stock(context, values, _returning(answer))

    async def _stock(
        self, context: Any, variables: dict[str, Any], outcome: Callable[[], Awaitable[Any]] | None = None
    ) -> ExecutionResult:
        """Let graphql-core execute, with what the resolver answered if it was called."""

        def answered(resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
            return outcome() if outcome and info.path.prev is None else resolve(source, info, **arguments)

        result: Any = execute(
            self._schema,
            self._document,
            context_value=context,
            variable_values=variables,
            operation_name=self._operation_name,
            middleware=[answered] if outcome else None,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            executor_class=FastExecutor,
        )
        done = await result if optimized_is_awaitable(result) else result
        return ExecutionResult(done.data, done.errors)

    def info(self, context: Any, variables: dict[str, Any]) -> Any:
        """What graphql-core would have told the resolver."""
        executor: Any = FastExecutor.build(
            self._schema,
            self._document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=self._operation_name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
        )
        return executor.build_resolve_info(*self._at)


class _Place:
    """Where a resolver is in its operation: its context, and everything else when it asks for that."""

    __slots__ = ("_plan", "_variables", "context")

    def __init__(self, plan: Plan, context: Any, variables: dict[str, Any]) -> None:
        self._plan, self._variables, self.context = plan, variables, context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan.info(self.context, self._variables), name)


def _coroutine_function(own: Any) -> Callable[..., Awaitable[Any]]:
    """The function behind a field of the root, when it takes the field's arguments and `info`."""
    resolver = own.base_resolver if own is not None and not own.extensions else None
    if resolver is None or resolver.root_parameter or resolver.parent_parameter:
        raise Unusual
    if resolver.info_parameter is not None and resolver.info_parameter.name != "info":
        raise Unusual
    function: Callable[..., Awaitable[Any]] = resolver.wrapped_func
    if not inspect.iscoroutinefunction(function):
        raise Unusual
    # The root of every operation is None.
    return partial(function, None) if resolver.self_parameter else function


def _raising(fault: Exception) -> Callable[[], Awaitable[Any]]:
    async def outcome() -> Any:
        raise fault

    return outcome


def _returning(answer: Any) -> Callable[[], Awaitable[Any]]:
    async def outcome() -> Any:
        return answer

    return outcome


def plan_of(schema: GraphQLSchema, document: DocumentNode, operation_name: str | None) -> Plan | None:
    """The plan of an operation; None when it is not plain."""
    try:
        return Plan(schema, document, operation_name)
    except Unusual:
        return None
