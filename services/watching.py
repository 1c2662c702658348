"""Live streams: correct by the ledger, quick by the feed.

A stream subscribes first and reads second, so nothing falls between. A message is only a hint: versions that were seen
are dropped, and what is missing comes from the ledger by sequence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db import alerts as alert_queries
from db.models.controls import BurnAlert
from db.models.ledger import LowBalanceAlert
from db.purchases import find as find_purchase
from domain.errors import NotFound
from domain.permissions import Actor, Permission
from live import topics
from live.backend import GAP
from live.hub import Overflow
from services.feed import WalletChange, read_alert, read_change
from services.wallets import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from db.models.purchases import Purchase
    from services.coffer import Coffer

CATCH_UP_ALERTS: Final = 100
REMEMBERED_ALERTS: Final = 10_000
"""Alerts that one stream keeps in mind so as not to send one twice; beyond it, it reads from the database again."""


async def watch_wallet(
    coffer: Coffer, actor: Actor, wallet: UUID | None, after: int | None, *, rows: bool = True
) -> AsyncIterator[WalletChange]:
    """The wallet now, then each change; with `after`, first every transaction above that sequence. NotFound.

    Without `rows` nothing is read for their sake: what was missed is one change, the newest state.
    """
    wallet_id = await _require(coffer, actor, wallet)
    read = _missed if rows else _state
    async with coffer.hub.subscribe(topics.wallet(wallet_id)) as inbox:
        seen, changed_at = after, None
        async for change in read(coffer, wallet_id, after):
            seen, changed_at = change.sequence, change.wallet.updated_at
            yield change
        async for message in inbox:
            if message == GAP:
                if await coffer.database.live_reads.versions.get(wallet_id) == (seen, changed_at):
                    continue
                missed = read(coffer, wallet_id, seen)
            else:
                heard = read_change(message)
                changed_settings = (
                    heard.sequence == seen and not heard.transactions and heard.wallet.updated_at != changed_at
                )
                if heard.sequence <= (seen or 0) and not changed_settings:
                    continue
                missed = _completed(coffer, wallet_id, seen, heard) if rows else _alone(heard)
            # Thousands of streams wait here: none keeps the text of its last message.
            del message
            async for change in missed:
                seen, changed_at = change.sequence, change.wallet.updated_at
                yield change


async def watch_low_balance(coffer: Coffer, actor: Actor, wallet: UUID | None) -> AsyncIterator[Any]:
    """Each dip of a wallet, or of every wallet of the project, below its threshold: never dropped, never twice."""
    kind = (topics.alerts(actor.project_id), LowBalanceAlert)
    async for row in _watch_alerts(coffer, actor, kind, wallet):
        yield row


async def watch_rapid_burn(coffer: Coffer, actor: Actor, wallet: UUID | None) -> AsyncIterator[Any]:
    """Each episode of rapid burn of a wallet, or of every wallet of the project: never dropped, never twice."""
    kind = (topics.burns(actor.project_id), BurnAlert)
    async for row in _watch_alerts(coffer, actor, kind, wallet):
        yield row


async def _watch_alerts(
    coffer: Coffer, actor: Actor, kind: tuple[str, type[alert_queries.Alert]], wallet: UUID | None
) -> AsyncIterator[Any]:
    actor.require(Permission.READ)
    topic, alert = kind
    only = None if wallet is None else await _require(coffer, actor, wallet)
    async with coffer.hub.subscribe(topic, Overflow.CLOSE) as inbox:
        async with coffer.database.reading() as session:
            read_to = await alert_queries.newest_id(session, alert, actor.project_id)
        seen: set[tuple[int, int]] = set()
        async for message in inbox:
            if message == GAP or len(seen) >= REMEMBERED_ALERTS:
                rows = await _missed_alerts(coffer, alert, actor.project_id, read_to)
                read_to = rows[-1].id if rows else read_to
                # What came before this reading can't come again, except from the inbox.
                seen, before = {(row.wallet_id, row.sequence) for row in rows}, seen
            else:
                rows = [read_alert(message)]
                key = (rows[0].wallet_id, rows[0].sequence)
                before = {key} & seen
                seen.add(key)
            for row in rows:
                if (row.wallet_id, row.sequence) not in before and only in {None, row.wallet_id}:
                    yield row


async def _missed_alerts(coffer: Coffer, alert: type[alert_queries.Alert], project_id: int, after: int) -> list[Any]:
    """Every alert of a project above an id, read in pages."""
    rows: list[Any] = []
    async with coffer.database.reading() as session:
        while page := await alert_queries.following(session, alert, project_id, after, CATCH_UP_ALERTS):
            rows += page
            after = page[-1].id
    return rows


async def watch_purchase(coffer: Coffer, actor: Actor, purchase: UUID | None) -> AsyncIterator[Purchase]:
    """The purchase now, then each change of it. NotFound."""
    actor.require(Permission.READ)
    if purchase is None:
        raise NotFound("No such purchase in this project.", field=["id"])
    async with coffer.hub.subscribe(topics.purchase(purchase)) as inbox:
        row = await _read_purchase(coffer, actor, purchase)
        yield row
        async for _ in inbox:
            newer = await _read_purchase(coffer, actor, purchase)
            if (newer.status, newer.updated_at) != (row.status, row.updated_at):
                row = newer
                yield row


async def _require(coffer: Coffer, actor: Actor, wallet: UUID | None) -> int:
    """The id of a wallet of the project. NotFound."""
    actor.require(Permission.READ)
    found = wallet and await coffer.database.live_reads.named.get((actor.project_id, wallet))
    if not found:
        raise NotFound("No such wallet in this project: see `wallets`.", field=["walletId"])
    return (await settled(coffer, found)).id


async def _read_purchase(coffer: Coffer, actor: Actor, purchase: UUID) -> Purchase:
    async with coffer.database.reading() as session:
        found = await find_purchase(session, actor.project_id, purchase)
    if found is None:
        raise NotFound("No such purchase in this project.", field=["id"])
    return found


async def _now(coffer: Coffer, wallet_id: int) -> Any:  # noqa: ANN401 - a row of wallet
    wallet = await coffer.database.live_reads.now.get(wallet_id)
    assert wallet is not None  # noqa: S101 - wallets are never deleted
    return wallet


async def _state(coffer: Coffer, wallet_id: int, _after: int | None) -> AsyncIterator[WalletChange]:
    """The wallet's state without transactions."""
    wallet = await _now(coffer, wallet_id)
    yield WalletChange(wallet, wallet.sequence, [])


async def _alone(heard: WalletChange) -> AsyncIterator[WalletChange]:
    """What was heard, as it is."""
    yield heard


async def _missed(coffer: Coffer, wallet_id: int, after: int | None) -> AsyncIterator[WalletChange]:
    """The wallet's state with every transaction above a sequence, in pages; at least one update."""
    wallet = await _now(coffer, wallet_id)
    if after is None or after >= wallet.sequence:
        yield WalletChange(wallet, wallet.sequence, [])
        return
    while after < wallet.sequence:
        rows = await coffer.database.live_reads.missed.get((wallet_id, after)) or []
        after = rows[-1].sequence
        yield WalletChange(wallet, after, rows)


async def _completed(
    coffer: Coffer, wallet_id: int, seen: int | None, heard: WalletChange
) -> AsyncIterator[WalletChange]:
    """A heard change without what was seen; from the ledger where the message does not have every row since."""
    seen = seen or 0
    rows = [row for row in heard.transactions if row.sequence > seen]
    if heard.sequence - seen == len(rows):
        yield WalletChange(heard.wallet, heard.sequence, rows)
        return
    async for change in _missed(coffer, wallet_id, seen):
        yield change
