"""The registry of trusted documents, as its command shows it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
from graphql import GraphQLError

from schema.documents import Document
from schema.root import schema
from schema.trusted import TrustedDocuments


def change_documents(folder: Path | None, act: str, names: Sequence[str]) -> list[str]:
    """Do what the command asks and say it, a line a document. ValueError for a document that would be refused."""
    trusted = TrustedDocuments(folder)
    if act == "list":
        return [f"{digest} {_title(text)}" for digest, text in trusted.listed()]
    if act == "remove":
        return [f"{name} {'removed' if trusted.remove(name) else 'is not there'}" for name in names]
    texts = [text for name in names for text in _texts(Path(name))]
    for text in texts:
        _check(text)
    return [f"{trusted.add(text)} {_title(text)}" for text in texts]


def _texts(path: Path) -> Iterator[str]:
    """The documents of a file: JSON with texts by any name, as code generators write it, or one text."""
    try:
        content = path.read_bytes().decode()
    except OSError as fault:
        raise ValueError(f"{path} can't be read: {fault.strerror}.") from fault
    if path.suffix != ".json":
        yield content
        return
    found = orjson.loads(content)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ValueError(f"{path} holds an object of texts: {{name: document}}.")
    yield from found.values()


def _check(text: str) -> None:
    """Refuse what the server would refuse."""
    try:
        errors = Document(schema._schema, text).errors  # noqa: SLF001 - graphql-core's own schema
    except GraphQLError as fault:
        errors = [fault]
    if errors:
        raise ValueError(f"{_title(text)}: {errors[0].message}")


def _title(text: str) -> str:
    """The first line of a document."""
    lines = text.strip().splitlines()
    return lines[0] if lines else "(empty)"
