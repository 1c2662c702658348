"""Documents and variables that are broken at random: each gets an error of the caller's, never one of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphql import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.media import chosen_type
from runtime.sockets import message_fault
from schema.context import Context
from schema.root import schema
from tests.api.test_access import TABLE, document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

DOCUMENTS = [
    document(kind, operation.text) for kind, table in TABLE for operation in table.values() if kind != "subscription"
]
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
PIECES = ["{", "}", "(", ")", "[", "]", ":", "!", "$", "@skip", "...", "on", "fragment", '"', '"""', "#", "\n", "null"]
PIECES += [
    "__schema",
    "__typename",
    "1e999",
    "-0",
    "\x00",
    "\ufeff",
    "\ud800",
    "🏃",
    "first",
    "true",
    "query",
    "&",
    "|",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def broken(text: str, places: Sequence[int], choices: Random) -> str:
    """A document with pieces dropped, doubled, swapped and put in."""
    tokens = TOKEN.findall(text)
    for place in places:
        at = place % len(tokens)
        act = choices.randrange(4)
        if act == 0:
            tokens[at] = choices.choice(PIECES)
        elif act == 1:
            tokens.insert(at, choices.choice(PIECES))
        elif act == 2:
            tokens[at] = tokens[choices.randrange(len(tokens))]
        else:
            tokens.insert(at, " ".join(tokens[at : at + 4]))
    return "".join(tokens)


async def codes(text: str, variables: Any) -> set[str]:  # noqa: ANN401 - JSON
    """The codes of the errors of an anonymous caller's operation."""
    context = Context(None, "fuzz", None)  # type: ignore[arg-type]  # without a key no resolver gets as far as the database
    try:
        result = await schema.execute(text, variables, context_value=context)
    except Exception as fault:
        return {type(fault).__name__}
    return {str((error.extensions or {}).get("code")) for error in result.errors or ()}


ALLOWED = {"INVALID_DOCUMENT", "UNAUTHENTICATED", "BAD_USER_INPUT", "CannotGetOperationTypeError", "MissingQueryError"}


@settings(max_examples=400, deadline=None)
@given(
    text=st.sampled_from(DOCUMENTS),
    places=st.lists(st.integers(0, 10_000), max_size=6),
    choices=st.randoms(use_true_random=False),
    variables=st.none() | st.dictionaries(st.sampled_from(["wallet", "key", "hold", "x"]), JSON, max_size=3),
)
async def test_whatever_is_wrong_is_the_callers(
    text: str, places: list[int], choices: Random, variables: dict[str, Any] | None
) -> None:
    """No mistake in a document or its variables gives INTERNAL, or an error without a code."""
    assert await codes(broken(text, places, choices), variables) <= ALLOWED


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_message_of_a_socket_is_judged(message: Any) -> None:  # noqa: ANN401 - JSON
    """Whatever JSON comes in over a socket, it is a message of the protocol or a sentence says what is wrong."""
    assert message_fault(message) is None or isinstance(message_fault(message), str)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.sampled_from([";q=", "application/json;q=1;q=x", ",,,", "*/*;q=0.0001"]))
def test_any_accept_header_gets_a_type(accept: str) -> None:
    """Whatever a client says it takes, it gets one of the two types."""
    assert chosen_type(accept + ",application/graphql-response+json").startswith("application/")


def test_the_documents_are_good_ones() -> None:
    """What is broken at random here was right before."""
    assert [parse(text).definitions[0].kind for text in DOCUMENTS] == ["operation_definition"] * len(DOCUMENTS)
