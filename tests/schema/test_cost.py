"""The price of an operation, by its lists, and what the worst documents within the limits cost to read."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest

from schema.cost import INTROSPECTION_POINTS, LIST_ITEMS
from schema.documents import Document, Documents
from schema.limits import MAX_ALIASES, MAX_DEFINITIONS, MAX_REPEATS_PER_FIELD
from schema.root import schema

CORE = schema._schema  # noqa: SLF001 - graphql-core's own schema
WORST_CALLS = 2_000_000
"""Of functions, Python's and C's; ten million take about a second."""

NODES = "nodes { id }"
BATCH = "mutation($a: [ConsumeInput!]!) { consumeBatch(inputs: $a) { results { errors { code } } } }"


def points(text: str, **variables: Any) -> int:  # noqa: ANN401 - JSON
    """What the first operation of a document costs."""
    document = Document(CORE, text)
    assert document.errors == []
    return document.points(None, variables)


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("{ __typename }", {}, 1),
        ("{ project { name } }", {}, 2),
        ("{ __schema { queryType { name } } }", {}, 1 + INTROSPECTION_POINTS),
        (f"{{ wallets {{ {NODES} }} }}", {}, 1 + 1 + LIST_ITEMS),
        (f"{{ wallets(first: 7) {{ {NODES} }} }}", {}, 1 + 1 + 7),
        (f"{{ wallets(first: null) {{ {NODES} }} }}", {}, 1 + 1 + LIST_ITEMS),
        (f"{{ wallets(first: 9999) {{ {NODES} }} }}", {}, 1 + 1 + 100),
        (f"{{ wallets(first: -1) {{ {NODES} }} }}", {}, 1 + 1),
        (f"query($n: Int) {{ wallets(first: $n) {{ {NODES} }} }}", {"n": 3}, 1 + 1 + 3),
        (f"query($n: Int) {{ wallets(first: $n) {{ {NODES} }} }}", {}, 1 + 1 + LIST_ITEMS),
        (f"query($n: Int = 4) {{ wallets(first: $n) {{ {NODES} }} }}", {}, 1 + 1 + 4),
        (f"query($n: Int = 4) {{ wallets(first: $n) {{ {NODES} }} }}", {"n": "x"}, 1 + 1 + 4),
        ("{ wallets(first: 2) { edges { cursor node { id } } pageInfo { hasNextPage } } }", {}, 1 + 1 + 2 * 2 + 1),
        (f"{{ wallets(first: 2) {{ nodes {{ transactions(first: 5) {{ {NODES} }} }} }} }}", {}, 1 + 1 + 2 * (2 + 5)),
        ('{ usageForecast(walletId: "w", horizonDays: 90) { points { date } } }', {}, 1 + 1 + 90),
        ("{ packs { code } }", {}, 1 + 10),
        (BATCH, {"a": [{}] * 1_000}, 1 + 10 + 1 + 1_000 * 2),
        ('mutation { replayJob(id: "j") { job { id } errors { code } } }', {}, 1 + 10 + 1 + 1 + 1),
        ("{ ...f } fragment f on Query { ... { ... on Query { project { name } } } }", {}, 2),
    ],
)
def test_a_price_is_objects_times_lists(text: str, variables: dict[str, Any], expected: int) -> None:
    """One point for the operation and each object, ten for a mutation, times the items that the lists may have."""
    assert points(text, **variables) == expected


def test_a_fragment_costs_wherever_it_is_named() -> None:
    """Fragments that double twenty times cost their whole size, and are counted out in no time."""
    pairs = "a: transactions(first: 1) { nodes { id } } b: transactions(first: 1) { nodes { id } }"
    text = "{ wallet(id: 1) { ...f } } fragment f on Wallet { " + pairs + " }"
    assert points(text) == 1 + 1 + 2 * 2
    doubling = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ... {{ ...f{n + 1} }} }}" for n in range(20))
    assert points(f"{{ ...f0 }} {doubling} fragment f20 on Query {{ project {{ name }} }}") == 1 + 2**20


NODES = [kind.name for kind in CORE.get_possible_types(CORE.type_map["Node"])]  # type: ignore[arg-type,assignment]


def test_a_selection_may_name_every_kind_of_object() -> None:
    """A client that refetches what it holds has one fragment a type."""
    kinds = " ".join(f"... on {kind} {{ id }}" for kind in NODES)
    assert Document(CORE, f'{{ node(id: "x") {{ {kinds} }} }}').errors == []


def worst_documents() -> dict[str, str]:
    """Documents that keep every limit and cost validation the most."""
    some = MAX_DEFINITIONS - 2
    fields = "id ownerId ownerType availableCredits reservedCredits lockedCredits sequence "
    repeated = " ".join(f"wallets {{ nodes {{ {fields * 3} }} }}" for _ in range(MAX_REPEATS_PER_FIELD))
    spread = " ".join(f"...f{n}" for n in range(some))
    pairs = " ".join(f"fragment f{n} on Query {{ wallets {{ nodes {{ {fields} }} }} }}" for n in range(some))
    graph = " ".join(
        f"fragment f{n} on Query {{ {' '.join(f'...f{m}' for m in range(n + 1, min(n + 12, some)))} __typename }}"
        for n in range(some)
    )
    aliases = " ".join(f"a{n}: wallets {{ nodes {{ {fields} }} }}" for n in range(MAX_ALIASES))
    kinds = " ".join(f"... on {kind} {{ id __typename }}" for kind in NODES for _ in range(MAX_REPEATS_PER_FIELD))
    return {
        "repeats": f"{{ {repeated} }}",
        "kinds": f'{{ node(id: "x") {{ {kinds} }} }}',
        "pairs": f"{{ {spread} }} {pairs}",
        "graph": f"{{ ...f0 }} {graph}",
        "aliases": f"{{ {aliases} }}",
        "variables": "query(" + " ".join(f"$v{n}: Int" for n in range(400)) + ") { __typename }",
        "arguments": "{ wallets(" + " ".join(f"a{n}: 1" for n in range(400)) + ") { nodes { id } } }",
    }


@pytest.mark.parametrize("name", list(worst_documents()))
def test_the_worst_documents_are_read_at_a_limited_price(name: str) -> None:
    """A document that keeps the limits is parsed, validated and priced in a limited number of calls."""
    calls = Counter[str]()
    sys.setprofile(lambda _frame, event, _function: calls.update((event,)))
    try:
        document = Document(CORE, worst_documents()[name])
        if not document.errors:
            document.points(None, {})
    finally:
        sys.setprofile(None)
    assert 0 < calls["call"] + calls["c_call"] < WORST_CALLS


def test_a_document_is_read_once() -> None:
    """The same text gives the same document; one that nobody should keep is read anew."""
    documents = Documents(CORE)
    kept = documents.read("{ __typename }", keep=True)
    assert documents.read("{ __typename }", keep=False) is kept
    passing = documents.read("{ project { name } }", keep=False)
    assert documents.read("{ project { name } }", keep=False) is not passing


def test_remembered_documents_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least recently used documents make room when all of them together are too long."""
    texts = [f"query q{number} {{ __typename }}" for number in range(4)]
    monkeypatch.setattr("schema.documents.MAX_ALL_CHARACTERS", len(texts[0]) * 3)
    documents = Documents(CORE)
    first, second, third = (documents.read(text, keep=True) for text in texts[:3])
    assert documents.read(texts[0], keep=True) is first
    documents.read(texts[3], keep=True)
    assert documents.read(texts[0], keep=False) is first
    assert documents.read(texts[2], keep=False) is third
    assert documents.read(texts[1], keep=False) is not second
