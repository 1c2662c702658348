"""The schema, guarded."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import InvalidOperationTypeError
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
            return await super().execute(*args, **kwargs)
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is not OperationType.SUBSCRIPTION:
                raise
            message = "A subscription needs a socket (graphql-transport-ws), or accept: text/event-stream."
            return PreExecutionError(data=None, errors=[refused("INVALID_DOCUMENT", message)])

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
