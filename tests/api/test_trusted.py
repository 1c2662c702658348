"""Trusted documents: known by their SHA-256, over every transport."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from schema.registry import change_documents
from schema.root import schema
from schema.trusted import TrustedDocuments
from tests.api.conftest import running_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runtime.settings import Settings
    from services.coffer import Coffer
    from tests.api.conftest import Api

PACKS = "query Packs { packs { code } }"
PROJECT = "{ project { name } }"
WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry with two documents."""
    (tmp_path / "packs.graphql").write_text(PACKS)
    (tmp_path / "more.json").write_text(f'{{"watch": "{WATCH}"}}')
    change_documents(tmp_path / "registry", "add", [str(tmp_path / "packs.graphql"), str(tmp_path / "more.json")])
    return tmp_path / "registry"


@asynccontextmanager
async def trusting(coffer: Coffer, settings: Settings, folder: Path, *, only: bool) -> AsyncIterator[Api]:
    async with running_api(coffer, replace(settings, documents_dir=folder, trusted_documents_only=only)) as running:
        yield running
    schema.documents.trusted = TrustedDocuments()


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


async def post(api: Api, **body: Any) -> Any:  # noqa: ANN401 - JSON
    client = await api.client()
    return (await client.http.post("/graphql", json=body)).json()


@pytest.mark.parametrize("prefix", ["", "sha256:"])
async def test_a_document_runs_by_its_id(coffer: Coffer, settings: Settings, folder: Path, prefix: str) -> None:
    """A registered document answers to its SHA-256 alone."""
    async with trusting(coffer, settings, folder, only=False) as api:
        answer = await post(api, documentId=prefix + digest(PACKS))
    assert answer["data"]["packs"]


async def test_get_takes_ids(coffer: Coffer, settings: Settings, folder: Path) -> None:
    """GET with a key reads a registered document."""
    async with trusting(coffer, settings, folder, only=True) as api:
        client = await api.client()
        answer = (await client.http.get("/graphql", params={"documentId": digest(PACKS)})).json()
    assert answer["data"]["packs"]


async def test_an_unknown_id_is_refused(coffer: Coffer, settings: Settings, folder: Path) -> None:
    """An id that nobody registered is DOCUMENT_NOT_FOUND."""
    async with trusting(coffer, settings, folder, only=False) as api:
        answers = [await post(api, documentId=each) for each in (digest(PROJECT), "../secret", 5, None)]
    assert [answer["errors"][0]["extensions"]["code"] for answer in answers] == ["DOCUMENT_NOT_FOUND"] * 4


async def test_other_texts_are_refused_where_only_trusted_ones_run(
    coffer: Coffer, settings: Settings, folder: Path
) -> None:
    """With COFFER_TRUSTED_DOCUMENTS_ONLY a text that is not registered is refused, and one that is runs."""
    async with trusting(coffer, settings, folder, only=True) as api:
        refused, allowed = await post(api, query=PROJECT), await post(api, query=PACKS)
    assert refused["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
    assert allowed["data"]["packs"]


async def test_sockets_take_ids(coffer: Coffer, settings: Settings, folder: Path) -> None:
    """A subscription runs by its id too; this one for a wallet that is not there."""
    async with trusting(coffer, settings, folder, only=True) as api:
        client = await api.client()
        async with client.watch("", id="wal_0") as stream:
            await stream.message()
            await stream.send(id="2", type="subscribe", payload={"documentId": digest(WATCH), "variables": {"id": "x"}})
            message = await stream.message()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_a_file_that_is_not_its_name_is_not_trusted(folder: Path) -> None:
    """A changed file in the registry is as good as none."""
    (folder / f"{digest(PACKS)}.graphql").write_text(PROJECT)
    assert [line.split()[0] for line in change_documents(folder, "list", [])] == [digest(WATCH)]


def test_documents_are_removed_by_id(folder: Path) -> None:
    """A removed document is no longer listed."""
    change_documents(folder, "remove", [digest(PACKS)])
    assert [line.split()[0] for line in change_documents(folder, "list", [])] == [digest(WATCH)]


def test_what_would_be_refused_is_not_registered(tmp_path: Path) -> None:
    """A document that asks for what the schema lacks is an error of the command."""
    (tmp_path / "wrong.graphql").write_text("{ nothing }")
    with pytest.raises(ValueError, match="nothing"):
        change_documents(tmp_path / "registry", "add", [str(tmp_path / "wrong.graphql")])
