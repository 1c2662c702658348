"""The words before a server's command: they drop root, and make the server stop when its parent is killed."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from typing import TYPE_CHECKING, Final

from runtime.children import STOP_SIGNAL, ServerError

if TYPE_CHECKING:
    from runtime.embedded_folder import Folder

_DIE_WITH_PARENT: Final = f"--pdeathsig={STOP_SIGNAL.name.removeprefix('SIG')}"
_CAPABILITIES: Final = (None, "+dac_read_search", "+dac_override")  # the least that suffices is taken


async def account_words(folder: Folder, initdb: str) -> list[str]:
    """The words with which PostgreSQL's programs can be run on the data folder. ServerError when root has no way.

    Below a folder that only root can enter, such as /root, the child keeps the one capability that lets it through.
    """
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        return [setpriv, _DIE_WITH_PARENT] if setpriv else []
    if setpriv is None:
        raise ServerError("PostgreSQL refuses root, and `setpriv` (package util-linux) is missing: install it.")
    user, group = folder.account
    drop = [setpriv, f"--reuid={user}", f"--regid={group}", "--clear-groups", _DIE_WITH_PARENT]
    output = ""
    for capability in _CAPABILITIES:
        words = drop if capability is None else [*drop, *_keep(capability)]
        code, output = await _enter(words, folder, initdb)
        if code == 0:
            return words
    raise ServerError(
        f"User {user} cannot enter {folder.data_dir} or run {initdb}: move the checkout and COFFER_DATA_DIR to "
        f"folders that every user can enter, or run Coffer as an ordinary user.\n{output}"
    )


def _keep(capability: str) -> list[str]:
    """Words to keep a capability; no_setuid_fixup lets it count in access(2), by which PostgreSQL finds its files."""
    return [f"--inh-caps={capability}", f"--ambient-caps={capability}", "--securebits=+no_setuid_fixup"]


async def _enter(words: list[str], folder: Folder, initdb: str) -> tuple[int | None, str]:
    """Enter the folder and have initdb look for all its files; it writes nothing."""
    script = 'cd "$0" && exec "$1" --show -D "$0"'
    process = await asyncio.create_subprocess_exec(
        *words, "sh", "-c", script, folder.data_dir, initdb, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, cwd="/"
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")
