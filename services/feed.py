"""What the live feed says of a committed change, and how it is read again on the other side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from db.rows import Row
from domain.wallets import crosses_low_balance
from live import topics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.models.ledger import Wallet
    from db.rows import Posting
    from db.spends import Spent
    from live.hub import Hub

MESSAGE_TRANSACTIONS: Final = 50
"""Transactions that one message carries; a reader takes more from the ledger."""

BUSY_SPENDS: Final = 20
"""Spends in one round of publishing from which on the next round waits for GATHER_SECONDS."""

GATHER_SECONDS: Final = 0.005

_TIMES: Final = ("created_at", "updated_at", "next_expiry_at", "raised_at", "burn_quiet_until")


@dataclass(frozen=True, slots=True)
class WalletChange:
    """A wallet's state and the transactions that led to it; `sequence` is where a reader resumes."""

    wallet: Any
    sequence: int
    transactions: Sequence[Any]


class Feed:
    """Publishes what was committed. Spends are gathered while a round of publishing runs."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._spent: list[Spent] = []
        self._task: asyncio.Task[None] | None = None

    def spent(self, batch: list[Spent]) -> None:
        """Take a committed batch of the lanes; returns at once."""
        self._spent.extend(batch)
        if self._spent and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._publish())

    async def drain(self) -> None:
        """Wait until everything taken so far is published."""
        if self._task is not None:
            await self._task

    async def _publish(self) -> None:
        while self._spent:
            batch, self._spent = self._spent, []
            by_wallet: dict[int, list[Spent]] = {}
            for item in batch:
                by_wallet.setdefault(item.request.wallet_id, []).append(item)
            heard = await self._hub.listened([topics.wallet(wallet_id) for wallet_id in by_wallet])
            messages = [
                spends_message(items) for wallet_id, items in by_wallet.items() if topics.wallet(wallet_id) in heard
            ]
            dips = [item for item in batch if _dips(item.posting, item.wallet)]
            messages += [spend_alert(item) for item in dips]
            if any(item.wallet.auto_recharge_enabled for item in dips):
                # The spend's commit has asked for a recharge.
                messages.append((topics.jobs(), b"due"))
            if messages:
                await self._hub.publish_many(messages)
            # A busy process asks and publishes for many spends at a time; those of a quiet one do not wait.
            await asyncio.sleep(GATHER_SECONDS if len(batch) >= BUSY_SPENDS else 0)


def spends_message(items: Sequence[Spent]) -> tuple[str, bytes]:
    """The message about one wallet's spends of a batch; when there are many, only the state."""
    newest = max(items, key=lambda item: item.wallet.sequence).wallet
    rows = (
        []
        if len(items) > MESSAGE_TRANSACTIONS
        else [
            item.transaction(None if item.request.metadata is None else orjson.loads(item.request.metadata))
            for item in items
        ]
    )
    return change_message(newest.values, rows)


def change_message(wallet: Mapping[str, Any], rows: Sequence[Any]) -> tuple[str, bytes]:
    """The message about a wallet: its columns and the new rows."""
    body = {"wallet": dict(wallet), "transactions": [dict(_columns(row)) for row in rows]}
    # The driver's own UUID class is not orjson's: it goes as text.
    return topics.wallet(wallet["id"]), orjson.dumps(body, default=str)


def spend_alert(item: Spent) -> tuple[str, bytes]:
    """The message about the dip that a spend caused."""
    return alert_message(item.wallet, item.posting)


def alert_message(wallet: Any, posting: Posting) -> tuple[str, bytes]:  # noqa: ANN401 - a model or a row
    """The message about a dip: the columns of low_balance_alert but its id."""
    body = {
        "wallet_id": wallet.id,
        "wallet_uuid": wallet.uuid,
        "sequence": posting.posted_sequence,
        "available_credits": posting.balance_after,
        "threshold": wallet.low_balance_threshold,
        "raised_at": posting.posted_at,
    }
    return topics.alerts(wallet.project_id), orjson.dumps(body, default=str)


def burn_message(alert: Any) -> tuple[str, bytes]:  # noqa: ANN401 - a model
    """The message about the start of rapid burn: the columns of burn_alert but its id."""
    names = ("wallet_id", "wallet_uuid", "sequence", "spent_credits", "limit_credits", "raised_at")
    return topics.burns(alert.project_id), orjson.dumps({name: getattr(alert, name) for name in names}, default=str)


def posting_messages(wallet: Wallet, row: Any, posting: Posting) -> list[tuple[str, bytes]]:  # noqa: ANN401
    """The messages about one movement outside the lanes."""
    messages = [change_message(_model_columns(wallet), [row])]
    return [*messages, alert_message(wallet, posting)] if _dips(posting, wallet) else messages


def settings_message(wallet: Wallet) -> tuple[str, bytes]:
    """The message about a wallet whose settings changed."""
    return change_message(_model_columns(wallet), [])


def read_change(message: bytes) -> WalletChange:
    """What a wallet message says."""
    body = orjson.loads(message)
    wallet = Row(_typed(body["wallet"]) | {"units_day": date.fromisoformat(body["wallet"]["units_day"])})
    return WalletChange(wallet, wallet.sequence, [Row(_typed(row)) for row in body["transactions"]])


def read_alert(message: bytes) -> Row:
    """What an alert message says."""
    return Row(_typed(orjson.loads(message)))


def _dips(posting: Posting, wallet: Any) -> bool:  # noqa: ANN401 - a model or a row
    return crosses_low_balance(posting.balance_before, posting.balance_after, wallet.low_balance_threshold)


def _columns(row: Any) -> Mapping[str, Any]:  # noqa: ANN401 - our row or SQLAlchemy's
    return row.values if isinstance(row, Row) else row._mapping  # noqa: SLF001 - its documented name


def _model_columns(wallet: Wallet) -> dict[str, Any]:
    return {column.key: getattr(wallet, column.key) for column in wallet.__table__.columns}


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    for name in _TIMES:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    for name in ("uuid", "wallet_uuid"):
        if name in values:
            values[name] = UUID(values[name])
    return values
