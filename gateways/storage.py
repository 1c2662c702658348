"""Where documents are kept: a local folder, or a storage zone of Bunny.net."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol
from uuid import uuid4

import httpx

from gateways.calls import trusted

if TYPE_CHECKING:
    from pathlib import Path

BUNNY_URL: Final = "https://storage.bunnycdn.com"
ANSWER_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 3.0


class StorageUnavailable(Exception):
    """The store could not keep or give a document; asking again may help."""


class ObjectStore(Protocol):
    """Keeps documents under keys such as invoices/1/x.pdf; the same key replaces what was there."""

    async def put(self, key: str, body: bytes, content_type: str) -> None:
        """Keep a document. StorageUnavailable."""

    async def get(self, key: str) -> bytes | None:
        """Read a document; None when there is none. StorageUnavailable."""


class LocalFolder:
    """A folder of this machine: for one machine, or a folder that all of them share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, body: bytes, content_type: str) -> None:  # noqa: ARG002 - a file has no type
        """Write the file whole or not at all."""
        await asyncio.to_thread(self._write, self._root / key, body)

    async def get(self, key: str) -> bytes | None:
        """Read the file."""
        path = self._root / key
        return await asyncio.to_thread(lambda: path.read_bytes() if path.is_file() else None)

    def _write(self, path: Path, body: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"{path.name}.{uuid4().hex}")
            unfinished.write_bytes(body)
            os.replace(unfinished, path)  # noqa: PTH105 - the atomic one
        except OSError as fault:
            raise StorageUnavailable(f"Can't write below {self._root}: {fault.strerror}.") from fault


class BunnyZone:
    """A storage zone of Bunny.net, through its HTTP API; `access_key` is the zone's password, not the account's key."""

    def __init__(self, base_url: str, zone: str, access_key: str) -> None:
        self._url = f"{base_url.rstrip('/')}/{zone}"
        self._headers = {"AccessKey": access_key}

    async def put(self, key: str, body: bytes, content_type: str) -> None:
        """Upload it with its checksum, which Bunny compares."""
        checksum = sha256(body).hexdigest().upper()
        headers = {"Content-Type": content_type, "Checksum": checksum}
        answer = await self._send("PUT", key, headers, body)
        if answer.status_code != HTTPStatus.CREATED:
            raise StorageUnavailable(f"Bunny answered {answer.status_code} to an upload.")

    async def get(self, key: str) -> bytes | None:
        """Download it."""
        answer = await self._send("GET", key, {}, None)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise StorageUnavailable(f"Bunny answered {answer.status_code} to a download.")
        return answer.content

    async def _send(self, method: str, key: str, headers: dict[str, str], body: bytes | None) -> httpx.Response:
        """One attempt: a job that stores has retries of its own."""
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        async with httpx.AsyncClient(timeout=timeout, verify=trusted(), trust_env=False) as client:
            try:
                return await client.request(method, f"{self._url}/{key}", headers=self._headers | headers, content=body)
            except httpx.RequestError as fault:
                raise StorageUnavailable("Bunny's storage does not answer.") from fault
