"""The schema, guarded."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.errors import DailyCapReachedError, GenericError, InsufficientCreditsError, PricingMatrixMismatchError
from schema.guard import Guard
from schema.mutation import Mutation
from schema.publishing import describe_root
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription


class CofferSchema(strawberry.Schema):
    """Strawberry's schema without its own log of every refused document: the guard logs what is ours to mend."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here."""


schema = CofferSchema(
    query=describe_root(Query),
    mutation=describe_root(Mutation),
    subscription=describe_root(Subscription),
    types=[InsufficientCreditsError, DailyCapReachedError, PricingMatrixMismatchError, GenericError],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    extensions=[Guard],
)
