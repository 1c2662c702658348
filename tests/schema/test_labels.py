"""What metrics call documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schema import documents
from schema.documents import OTHER, Documents
from schema.root import schema
from schema.trusted import TrustedDocuments

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Documents:
    """Documents with the only label for those of callers given away."""
    monkeypatch.setattr(documents, "MAX_LABELLED_DOCUMENTS", 1)
    found = Documents(schema._schema)  # noqa: SLF001 - graphql-core's own schema
    found.read("{ project { name } }", keep=True)
    return found


def test_there_is_an_end_to_labels(full: Documents) -> None:
    """A document after the last label is one of the others."""
    assert full.read("{ project { id } }", keep=True).label == OTHER


def test_a_registered_document_always_has_a_label(full: Documents, tmp_path: Path) -> None:
    """A registered document has its digest for a label, however many others have one."""
    registry = TrustedDocuments(tmp_path)
    digest = registry.add("{ project { id } }")
    full.trust(registry)
    assert digest.startswith(full.read("{ project { id } }", keep=False).label)


def test_a_broken_document_has_no_label(full: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not run takes no label."""
    monkeypatch.setattr(documents, "MAX_LABELLED_DOCUMENTS", 2)
    assert full.read("{ nothing }", keep=True).label == OTHER
