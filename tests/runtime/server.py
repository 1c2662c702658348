"""A whole Coffer process, started as a user would start it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Self

import httpx

from tests.builders import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


class ServerProcess:
    """`python main.py serve` on a data folder and a port of its own."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        known = {name: value for name, value in os.environ.items() if not name.startswith("COFFER_")}
        own = {"COFFER_DATA_DIR": str(data_dir), "COFFER_PORT": str(self.port)}
        self._environment = known | own | environment
        self.process: subprocess.Popen[bytes] | None = None
        self.log: Path | None = None
        """Where it writes; to the test's own output by default."""

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, unless it has ended."""
        if self.process and self.process.poll() is None:
            await self.stop()

    async def start(self) -> None:
        """Start and wait until it is ready."""
        self.process = await asyncio.to_thread(self._spawn)
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self.process.poll() is None, "the server ended while starting"
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "main.py", "serve"]
        with self.log.open("ab") if self.log else nullcontext() as log:
            return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    async def stop(self, ask: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        assert self.process is not None
        self.process.send_signal(ask)
        return await asyncio.to_thread(self.process.wait, 60)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command of main.py against the same servers."""
        return subprocess.run(
            [sys.executable, "main.py", *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def key(self, role: str = "owner") -> str:
        """A new key of the demo project."""
        done = self.command("key", "--project", "demo", "--role", role)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def postgres_pid(self) -> int:
        """The process id of the embedded PostgreSQL."""
        match = re.match(r"\d+", (self.data_dir / "postgres" / "postmaster.pid").read_text())
        assert match
        return int(match.group())
