"""Operations in the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from schema import documents
from schema.trusted import digest_of

if TYPE_CHECKING:
    import pytest

    from tests.api.conftest import Api


def counted(**labels: str) -> float:
    """How many operations had these labels."""
    families = [family for family in REGISTRY.collect() if family.name == "coffer_graphql_operations"]
    samples = [sample for family in families for sample in family.samples if sample.name.endswith("_total")]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


async def test_operations_are_counted(api: Api) -> None:
    """Each operation is counted by what it is and its first error, with its cost."""
    labels = [
        {"kind": "query", "code": "UNAUTHENTICATED"},
        {"kind": "query", "code": "INVALID_DOCUMENT"},
        {"kind": "unread", "code": "INVALID_DOCUMENT"},
        {"kind": "query", "code": "OK"},
    ]
    before, nobody = [counted(**each) for each in labels], api.anonymous()
    for query in ("{ project { name } }", "{ nope }", "{", "{ __typename }"):
        await nobody.ask(query)
    assert [counted(**each) for each in labels] == [count + 1 for count in before]
    assert "coffer_graphql_operation_points_bucket" in (await nobody.http.get("/metrics")).text


async def test_a_callers_document_has_a_label(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a key runs is counted under its operation's name and the first digits of its document's SHA-256."""
    # Documents of tests before this one in the same process have labels as well.
    monkeypatch.setattr(documents, "MAX_LABELLED_DOCUMENTS", 100_000)
    client, text = await api.client(), "query Labelled { project { name } }"
    for _ in range(2):
        await client.run(text)
    assert counted(operation="Labelled", document=digest_of(text)[:12], code="OK") == 2


async def test_a_strangers_document_has_no_label(api: Api) -> None:
    """What runs without a key makes no series of its own."""
    await api.anonymous().ask("query Stranger { __typename }")
    assert counted(operation="Stranger") == 0
