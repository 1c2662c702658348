"""The schema with its limits and caches."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.extensions.max_aliases import create_validator as alias_rule
from strawberry.extensions.query_depth_limiter import create_validator as depth_rule
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.errors import DailyCapReachedError, GenericError, InsufficientCreditsError, PricingMatrixMismatchError
from schema.masking import CodedErrors
from schema.mutation import Mutation
from schema.publishing import describe_root
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

MAX_TOKENS = 2_000
MAX_DEPTH = 15
MAX_ALIASES = 30
CACHED_DOCUMENTS = 1_000

# Made once: a limiter given as a factory makes new rule classes for each request, and the validation cache, which is
# keyed by them, would never hit.
_RULES: list[Any] = [depth_rule(MAX_DEPTH, None, None), alias_rule(MAX_ALIASES)]


class CofferSchema(strawberry.Schema):
    """Strawberry's schema without its own log of every refused document: CodedErrors logs what is ours to mend."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here."""


schema = CofferSchema(
    query=describe_root(Query),
    mutation=describe_root(Mutation),
    subscription=describe_root(Subscription),
    types=[InsufficientCreditsError, DailyCapReachedError, PricingMatrixMismatchError, GenericError],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    extensions=[
        CodedErrors,
        lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
        lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
        lambda: AddValidationRules(_RULES),
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
    ],
)
