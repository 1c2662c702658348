"""The process that runs the embedded servers of one data folder for as long as any Coffer process uses them.

Started by `runtime.embedded` with the folder's lock and a listening socket in hand. Each Coffer process keeps one
connection to it; when the last one goes, however it went, the servers are stopped in order. It speaks JSON lines:
`say`, then `ready` or `error`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.children import Child, ServerError
from runtime.embedded_account import account_words
from runtime.embedded_folder import Folder
from runtime.embedded_postgres import ensure_cluster, postgres, program_path
from runtime.embedded_valkey import valkey

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

FIRST_USER_SECONDS: Final = 10.0


class Supervisor:
    """The servers and who uses them."""

    def __init__(self, folder: Folder, options: dict[str, str]) -> None:
        self._folder = folder
        self._options = options
        self._users: set[StreamWriter] = set()
        self._used = asyncio.Event()
        self._unused = asyncio.Event()
        self._ready = False
        self._said: list[bytes] = []
        self._children: list[Child] = []

    async def run(self, listening: socket.socket) -> None:
        """Run until nobody uses the servers, or they cannot run."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)  # it goes when its last user goes
        accepting = await asyncio.start_unix_server(self._serve_user, sock=listening)
        work = {asyncio.create_task(self._work()), asyncio.create_task(self._unused.wait())}
        _, pending = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        self._folder.supervisor_socket.unlink(missing_ok=True)
        accepting.close()
        for task in pending:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await self._stop()
        for task in work - pending:
            task.result()  # an unforeseen fault goes to the log

    async def _work(self) -> None:
        """Start the servers and keep them running; a fault is told to every user."""
        try:
            await asyncio.wait_for(self._used.wait(), FIRST_USER_SECONDS)
            await self._start()
            async with asyncio.TaskGroup() as group:
                for child in self._children:
                    group.create_task(child.keep())
        except* (ServerError, OSError, TimeoutError) as faults:
            self._send("error", "\n".join(str(fault) for fault in faults.exceptions))

    async def _start(self) -> None:
        folder = self._folder
        words = await account_words(folder, program_path("initdb"))
        await ensure_cluster(folder, words, self._say)
        for log in ("postgres", "valkey"):
            folder.make_log(log)
        programs = [postgres(folder, words, self._options), valkey(folder, words)]
        self._children = [Child(program, self._say) for program in programs]
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(child.start())
        self._ready = True
        self._send("ready", "")

    async def _stop(self) -> None:
        self._say("Stopping PostgreSQL and Valkey ...")
        began = time.monotonic()
        await asyncio.gather(*(child.stop() for child in self._children))
        with suppress(OSError):
            self._folder.sockets.rmdir()
        self._say(f"They stopped in {time.monotonic() - began:.1f} s")

    async def _serve_user(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Tell a user how it stands, and keep its place until it goes."""
        if self._unused.is_set():
            writer.close()
            return
        self._users.add(writer)
        self._used.set()
        writer.writelines(self._said[-1:] if self._ready else self._said)
        try:
            await reader.read()
        except ConnectionError:
            pass
        finally:
            self._leave(writer)

    def _leave(self, writer: StreamWriter) -> None:
        """The last one to go stays connected, to hear of the stop."""
        if len(self._users) > 1:
            self._users.discard(writer)
            writer.close()
        else:
            self._unused.set()

    def _say(self, line: str) -> None:
        self._send("say", line)

    def _send(self, kind: str, text: str) -> None:
        message = json.dumps({kind: text}).encode() + b"\n"
        if not self._ready or kind == "ready":
            self._said.append(message)
        for user in self._users:
            user.write(message)


def main(arguments: list[str]) -> None:
    """Leave the process that started us, so that nobody has to wait for this one, and supervise."""
    data_dir, options, _lock, listening = arguments
    if os.fork():
        os._exit(0)
    asyncio.run(supervise(Folder(Path(data_dir)), json.loads(options), socket.socket(fileno=int(listening))))


async def supervise(folder: Folder, options: dict[str, str], listening: socket.socket) -> None:
    """Supervise one folder until nobody uses it."""
    await Supervisor(folder, options).run(listening)
    os._exit(0)  # the last user waits for the end of its connection, which is thus the end of this process


if __name__ == "__main__":
    main(sys.argv[1:])
