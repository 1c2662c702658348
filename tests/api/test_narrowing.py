"""Lists and streams that an id narrows down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLID, GraphQLObjectType

from schema.root import schema
from tests.api.conftest import lasting_api
from tests.api.test_access import codes
from tests.builders import free_port, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runtime.embedded import Servers
    from tests.api.conftest import Api

LISTS = "first"
"""The argument that every list has."""


def narrowing(kind: str) -> list[tuple[str, str]]:
    """The root fields of a kind that an optional id narrows down, with its name."""
    root = schema._schema.type_map[kind]  # noqa: SLF001 - graphql-core's own schema
    assert isinstance(root, GraphQLObjectType)
    return [
        (name, argument)
        for name, field in root.fields.items()
        for argument, wanted in field.args.items()
        if wanted.type is GraphQLID and (kind == "Subscription" or LISTS in field.args)
    ]


@pytest.fixture(scope="module")
async def api(servers: Servers, template: str) -> AsyncIterator[Api]:
    """One server for all."""
    async with lasting_api(settings_for(free_port()), servers, template) as running:
        yield running


@pytest.mark.parametrize(("name", "argument"), narrowing("Query"))
@pytest.mark.parametrize("text", ["", "nonsense"])
async def test_a_list_of_what_is_no_id_is_refused(api: Api, name: str, argument: str, text: str) -> None:
    """A text that is no id is NOT_FOUND, and not taken for a list of everything."""
    answer = await (await api.client()).ask(f'{{ {name}({argument}: "{text}") {{ pageInfo {{ hasNextPage }} }} }}')
    assert codes(answer) == {"NOT_FOUND"}


@pytest.mark.parametrize(("name", "argument"), narrowing("Subscription"))
@pytest.mark.parametrize("text", ["", "nonsense"])
async def test_a_stream_of_what_is_no_id_is_refused(api: Api, name: str, argument: str, text: str) -> None:
    """A text that is no id is NOT_FOUND, and not taken for a stream of everything."""
    client = await api.client()
    async with client.watch(f'subscription {{ {name}({argument}: "{text}") {{ __typename }} }}') as stream:
        assert "NOT_FOUND" in str(await stream.message())
