"""How the events of a subscription are executed."""

from typing import Any

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class EventExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor without a leak of graphql-core 3.3.2, whose subscriptions grow with every event.

    What it remembers of selected fields is shared by all events, by the identity of a list that each event makes anew.
    """

    def build_per_event_executor(self, payload: Any) -> Any:  # noqa: ANN401 - an event and graphql-core's executor
        """An executor for one event, with a memory of its own."""
        executor = super().build_per_event_executor(payload)
        executor._relevant_sub_fields = {}  # noqa: SLF001 - its name in the version that we pin
        return executor
