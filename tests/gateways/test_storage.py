"""Object stores: the local folder, and Bunny's HTTP API as it is documented, spoken by a server of ours."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from gateways.storage import BunnyZone, LocalFolder, StorageUnavailable
from tests.gateways.loopback import HANG_UP, loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateways.storage import ObjectStore

KEY = "invoices/1/a.pdf"


class FakeBunny:
    """Bunny's Edge Storage: PUT and GET with the zone's password, a checksum that is compared, its statuses."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status, answer = self.answer(method, path, headers, body)
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n".encode() + answer
        )
        await writer.drain()
        writer.close()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """The status and body for a request."""
        if headers.get("accesskey") != "zone-password" or not path.startswith("/zone/"):
            return 401, b'{"HttpCode":401,"Message":"Unauthorized"}'
        if method == "GET":
            return (
                (200, self.files[path])
                if path in self.files
                else (404, b'{"HttpCode":404,"Message":"Object Not Found"}')
            )
        if method != "PUT" or headers.get("checksum") not in {None, sha256(body).hexdigest().upper()}:
            return 400, b'{"HttpCode":400,"Message":"Checksum and file contents mismatched"}'
        self.files[path] = body
        return 201, b'{"HttpCode":201,"Message":"File uploaded."}'


@asynccontextmanager
async def bunny() -> AsyncIterator[FakeBunny]:
    made = FakeBunny()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


async def kept(store: ObjectStore) -> list[bytes | None]:
    """What a store gives before, after the first and after the second time that a key is put."""
    found = [await store.get(KEY)]
    for body in (b"%PDF-1", b"%PDF-2"):
        await store.put(KEY, body, "application/pdf")
        found.append(await store.get(KEY))
    return found


async def test_a_folder_keeps_documents(tmp_path: Path) -> None:
    """What is put is read again, a second time replaces it, and no unfinished file stays."""
    assert await kept(LocalFolder(tmp_path)) == [None, b"%PDF-1", b"%PDF-2"]
    assert [path.name for path in (tmp_path / "invoices" / "1").iterdir()] == ["a.pdf"]


async def test_a_folder_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    """A file where the folder should be is STORAGE unavailable, not a crash."""
    (tmp_path / "invoices").write_text("in the way")
    with pytest.raises(StorageUnavailable):
        await LocalFolder(tmp_path).put(KEY, b"x", "application/pdf")


async def test_bunny_keeps_documents() -> None:
    """Uploads carry password, type and checksum, and downloads give the bytes back."""
    async with bunny() as fake:
        assert await kept(BunnyZone(fake.url, "zone", "zone-password")) == [None, b"%PDF-1", b"%PDF-2"]


async def test_bunny_refuses_a_wrong_password() -> None:
    """A refusal is an error, never an empty document."""
    async with bunny() as fake:
        store = BunnyZone(fake.url, "zone", "wrong")
        with pytest.raises(StorageUnavailable, match="401"):
            await store.put(KEY, b"x", "application/pdf")
        with pytest.raises(StorageUnavailable, match="401"):
            await store.get(KEY)


async def test_bunny_that_hangs_up_is_unavailable() -> None:
    """A broken connection is an error that a job retries."""
    async with loopback() as server:
        server.will_answer(HANG_UP)
        with pytest.raises(StorageUnavailable, match="does not answer"):
            await BunnyZone(server.url, "zone", "x").get(KEY)
