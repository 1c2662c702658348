"""A RabbitMQ of the tests' own on loopback: its cookie, data and port mapper are in a folder of theirs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.builders import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The server itself: the command in the path switches the user."""

MISSING = "RabbitMQ is not installed (package rabbitmq-server): `apt-get install rabbitmq-server`."
START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05


def is_installed() -> bool:
    """Whether this machine has RabbitMQ and Erlang's port mapper."""
    return PROGRAM.exists() and all(shutil.which(name) for name in ("epmd", "setpriv"))


class RabbitServer:
    """One node that can be stopped and started again with what it has kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {name: free_port() for name in ("amqp", "distribution", "epmd")}
        self._mapper: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"amqp://guest:guest@127.0.0.1:{self._ports['amqp']}/"

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self._folder / "rabbitmq.out").open("ab") as log:
            if self._mapper is None:
                words = ["epmd", "-address", "127.0.0.1", "-port", str(self._ports["epmd"])]
                self._mapper = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            self._node = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", PROGRAM],
                env=self._environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._node.poll() is None, (self._folder / "rabbitmq.out").read_text()[-2_000:]
            assert time.monotonic() < deadline, (self._folder / "rabbitmq.out").read_text()[-2_000:]
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the node; what it has kept stays in the folder."""
        if self._node is not None:
            self._node.terminate()
            self._node.wait(STOP_SECONDS)
            self._node = None

    def kill(self) -> None:
        """End the node as a power cut would."""
        assert self._node
        self._node.kill()
        self._node.wait(STOP_SECONDS)
        self._node = None

    def close(self) -> None:
        """Stop the node and the port mapper."""
        self.stop()
        if self._mapper is not None:
            self._mapper.terminate()
            self._mapper.wait(STOP_SECONDS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._ports["amqp"]), timeout=1) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                client.settimeout(5)
                return client.recv(1) == b"\x01"
        except OSError:
            return False

    def _environment(self) -> Mapping[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            # The start script then becomes the node, instead of watching over it.
            "RUNNING_UNDER_SYSTEMD": "true",
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "coffer@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._ports["amqp"]),
            "RABBITMQ_DIST_PORT": str(self._ports["distribution"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }
