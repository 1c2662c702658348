"""Queries of what was found when purchases began."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, distinct, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from db.models.fraud import FraudEvent
from db.models.purchases import Purchase
from db.paging import newest_first
from domain.fraud import FAILURE_SECONDS, SHARED_SECONDS, VELOCITY_SECONDS, FraudDecision
from domain.purchases import PurchaseStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from db.database import Session
    from db.models.ledger import Wallet
    from domain.pages import Page

_E = FraudEvent


async def counts(session: Session, wallet: Wallet, device: str | None, now: datetime) -> dict[str, int]:
    """What the rules count of a wallet and a device: the fields of Facts of the same names."""

    def since(seconds: int) -> datetime:
        return now - timedelta(seconds=seconds)

    mine = _E.wallet_id == wallet.id
    same_device = (_E.project_id == wallet.project_id) & (_E.device == device)
    recent = mine if device is None else or_(mine, same_device)
    # A retry is another attempt of the same purchase.
    failures = Purchase.attempt - case((Purchase.status == PurchaseStatus.FAILED, 0), else_=1)
    lately = (Purchase.wallet_id == wallet.id, Purchase.updated_at > since(FAILURE_SECONDS))
    cards = select(Purchase.card).where(Purchase.wallet_id == wallet.id, Purchase.card.is_not(None))
    shared = (Purchase.project_id == wallet.project_id, Purchase.card.in_(cards), Purchase.wallet_id != wallet.id)
    queries: dict[str, Any] = {
        "recent_purchases": select(func.count()).select_from(_E).where(recent, _E.created_at > since(VELOCITY_SECONDS)),
        "failed_purchases": select(func.coalesce(func.sum(failures), 0)).where(*lately),
        "device_wallets": _others(same_device, ~mine, _E.created_at > since(SHARED_SECONDS)),
        "card_wallets": select(func.count(distinct(Purchase.wallet_id))).where(
            *shared, Purchase.created_at > since(SHARED_SECONDS)
        ),
    }
    row = (
        await session.execute(select(*(query.scalar_subquery().label(name) for name, query in queries.items())))
    ).one()
    return {name: int(count) for name, count in row._mapping.items()}  # noqa: SLF001 - its documented name


async def by_key(session: Session, wallet_id: int, idempotency_key: str) -> FraudEvent | None:
    """What was found when a purchase with that key began."""
    query = select(_E).where(_E.wallet_id == wallet_id, _E.idempotency_key == idempotency_key)
    return (await session.scalars(query)).one_or_none()


async def add(session: Session, values: Mapping[str, Any]) -> None:
    """Write what was found; once for a purchase, maybe at this very moment."""
    await session.execute(insert(_E).values(**values).on_conflict_do_nothing())


async def lock(session: Session, project_id: int, uuid: UUID) -> FraudEvent | None:
    """The project's event, locked until the end of the transaction."""
    query = select(_E).where(_E.uuid == uuid, _E.project_id == project_id).with_for_update()
    return (await session.scalars(query)).one_or_none()


async def newest(
    session: Session, project_id: int, decision: FraudDecision | None, wallet_id: int | None, page: Page
) -> Sequence[FraudEvent]:
    """The project's events with a signal, newest first, with one decision or of one wallet if named."""
    query = select(_E).where(_E.project_id == project_id, _E.points > 0)
    if decision is not None:
        query = query.where(_E.decision == decision)
    if wallet_id is not None:
        query = query.where(_E.wallet_id == wallet_id)
    return (await session.scalars(newest_first(query, _E.id, page))).all()


def _others(*where: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a select
    return select(func.count(distinct(_E.wallet_id))).where(*where)
