"""Small builders that tests share."""

from __future__ import annotations

import os
import socket
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from domain.permissions import Actor, Role
from domain.wallets import OwnerType
from runtime.settings import Settings
from services.grants import grant_credits
from services.keys import issue_key
from services.requests import ConsumeRequest, GrantRequest
from services.wallets import create_wallet

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from services.coffer import Coffer

SECRET = "whsec_" + "0123456789abcdef" * 4


HELD_PORTS = 100
_held: deque[int] = deque()


def free_port() -> int:
    """A port that nothing listens on; while it is among the newest here, the kernel gives it to nobody else.

    It stays bound, without listening, in a way that lets a server take it by its number.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
        _held.append(holder.detach())
    if len(_held) > HELD_PORTS:
        os.close(_held.popleft())
    return port


def settings_for(port: int, **changes: Any) -> Settings:  # noqa: ANN401 - any setting
    """Settings of a test process."""
    values: dict[str, Any] = {
        "port": port,
        "bind_host": "127.0.0.1",
        "data_dir": Path("/nonexistent"),
        "public_url": f"http://127.0.0.1:{port}",
        "database_url": None,
        "redis_url": None,
        "simulated_delay_ms": 20,
        "simulated_secret": SECRET,
        "jwt_secret": None,
        "allowed_origins": (),
    }
    return Settings(**values | changes)


async def owner_of(coffer: Coffer, project: str = "test", role: Role = Role.OWNER) -> Actor:
    """An actor of a project that is made if need be."""
    created = await issue_key(coffer.database, project, role)
    return Actor(created.key.project_id, role, created.key.id)


async def wallet_with(coffer: Coffer, actor: Actor, credits: int) -> Wallet:
    """A new wallet with that many credits."""
    wallet = await create_wallet(coffer, actor, OwnerType.USER, uuid4().hex, None)
    if credits:
        await grant_credits(coffer, actor, GrantRequest(wallet.uuid, credits, "a start", uuid4().hex))
    return wallet


def spend_of(wallet: UUID, feature: str = "AI_SUMMARY", key: str | None = None, **more: Any) -> ConsumeRequest:  # noqa: ANN401
    """A spend with a new key."""
    units = more.pop("units", 1)
    return ConsumeRequest(wallet, feature, units, key or uuid4().hex, **more)
