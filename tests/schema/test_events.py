"""What a subscription leaves behind while it runs."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator  # noqa: TC003 - Strawberry reads it

import pytest
import strawberry
from graphql.execution.collect_fields import FieldDetails

from schema.events import EventExecutor
from schema.fast_execution import FastExecutor

EVENTS = 200
EARLY = 5


@strawberry.type
class Inner:
    """An object in an event."""

    number: int


@strawberry.type
class Query:
    """What a schema must have."""

    number: int = 0


@strawberry.type
class Subscription:
    """What is tested."""

    @strawberry.subscription
    async def events(self) -> AsyncGenerator[Inner, None]:
        """Some events."""
        for number in range(EVENTS):
            yield Inner(number=number)


@pytest.mark.parametrize("executor", [EventExecutor, FastExecutor])
async def test_a_long_subscription_does_not_grow(executor: type[EventExecutor]) -> None:
    """After hundreds of events as many of the executor's records are alive as after a few."""
    schema = strawberry.Schema(Query, subscription=Subscription, execution_context_class=executor)
    alive = {}
    results = aiter(await schema.subscribe("subscription { events { number } }"))
    for number in range(EVENTS):
        assert (await anext(results)).errors is None
        if number in {EARLY, EVENTS - 1}:
            alive[number] = sum(type(each) is FieldDetails for each in gc.get_objects())
    assert alive[EVENTS - 1] <= alive[EARLY]
