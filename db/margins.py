"""Queries of unit costs, and of the realised price of a credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from db.models.margins import FeatureCost
from db.models.purchases import Purchase
from domain.margins import CreditPrice
from domain.purchases import PurchaseStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from db.database import Session

_C = FeatureCost


async def set_costs(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write costs; those of the same feature and day are replaced."""
    written = insert(_C)
    values = {name: written.excluded[name] for name in ("infrastructure_micros", "other_micros", "set_by")}
    replaced = written.on_conflict_do_update(constraint="pk_feature_cost", set_=values | {"set_at": func.now()})
    await session.execute(replaced, rows)


async def costs_on(session: Session, project_id: int, day: date) -> dict[str, FeatureCost]:
    """What each feature costs on a day."""
    query = select(_C).where(_C.project_id == project_id, _C.effective_from <= day)
    latest = query.ext(distinct_on(_C.feature)).order_by(_C.feature, _C.effective_from.desc())
    return {cost.feature: cost for cost in await session.scalars(latest)}


async def changes(session: Session, project_id: int, start: date, end: date, limit: int) -> Sequence[date]:
    """The days after the first one, up to the last, on which some cost changes."""
    query = select(_C.effective_from).distinct().where(_C.project_id == project_id)
    inside = query.where(_C.effective_from > start, _C.effective_from <= end)
    return (await session.scalars(inside.order_by(_C.effective_from).limit(limit))).all()


async def credit_price(session: Session, project_id: int) -> CreditPrice | None:
    """What buyers paid for the credits of all paid purchases, bonus credits included; None before the first."""
    paid = (PurchaseStatus.SUCCESS, PurchaseStatus.REFUNDED)
    sums = select(func.sum(Purchase.amount_minor), func.sum(Purchase.credits))
    row = (await session.execute(sums.where(Purchase.project_id == project_id, Purchase.status.in_(paid)))).one()
    return CreditPrice(int(row[0]), int(row[1])) if row[1] else None
