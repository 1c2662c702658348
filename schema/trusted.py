"""Trusted documents: texts that a deployment knows by their SHA-256, in a folder of files `<SHA-256>.graphql`."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

UNKNOWN_DOCUMENT = "?"
"""Stands in for the text of a `documentId` that nobody registered; it is no GraphQL."""

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def digest_of(text: str) -> str:
    """The id of a text: SHA-256 in hex digits."""
    return sha256(text.encode(errors="replace")).hexdigest()


class TrustedDocuments:
    """The documents in a folder, read when they are first asked for; `only` refuses every other text."""

    def __init__(self, folder: Path | None = None, *, only: bool = False) -> None:
        self.only = only
        self._folder = folder
        self._texts: dict[str, str] = {}

    def text(self, document_id: object) -> str | None:
        """The text of an id (hex digits, sha256: before them or not), or None."""
        found = _DIGEST.fullmatch(document_id) if isinstance(document_id, str) else None
        if found is None or self._folder is None:
            return None
        digest = found[1]
        if digest not in self._texts:
            try:
                text = (self._folder / f"{digest}.graphql").read_bytes().decode()
            except (OSError, UnicodeDecodeError):
                return None
            if digest_of(text) != digest:
                return None
            self._texts[digest] = text
        return self._texts[digest]

    def has(self, digest: str) -> bool:
        """Whether a text with that SHA-256 is registered."""
        return self.text(digest) is not None

    def with_text(self, request: Any) -> Any:  # noqa: ANN401 - JSON
        """A request, or a socket's message that holds one, with the text of its documentId."""
        if not isinstance(request, dict):
            return request
        if request.get("type") == "subscribe" and "payload" in request:
            return request | {"payload": self.with_text(request["payload"])}
        if "documentId" not in request or request.get("query") is not None:
            return request
        return request | {"query": self.text(request["documentId"]) or UNKNOWN_DOCUMENT}

    def add(self, text: str) -> str:
        """Register a text; its id."""
        digest = digest_of(text)
        folder = self._opened()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{digest}.graphql").write_bytes(text.encode())
        return digest

    def remove(self, digest: str) -> bool:
        """Forget a document; servers that run still know it until they start again. False when there is none."""
        known = self.text(digest) is not None
        if known:
            (self._opened() / f"{digest}.graphql").unlink()
            del self._texts[digest]
        return known

    def listed(self) -> list[tuple[str, str]]:
        """Ids and texts, by id."""
        paths = sorted(self._opened().glob("*.graphql"))
        return [(path.stem, text) for path in paths if (text := self.text(path.stem)) is not None]

    def _opened(self) -> Path:
        if self._folder is None:
            raise ValueError("Trusted documents need a folder.")
        return self._folder
