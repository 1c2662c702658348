"""Queries that compare the books with providers' lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, exists, func, null, select, text
from sqlalchemy.dialects.postgresql import insert

from db.models.projects import Project
from db.models.purchases import Purchase
from db.models.totals import GatewayDay
from db.paging import newest_first
from domain.books import MoneyEntryKind as Kind
from domain.refunds import RefundOrigin, RefundStatus
from domain.totals import Booked, MoneyMovement, Movement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page
    from domain.totals import Span

_OF_TIME: Final = f"""entry as materialized (
  select kind, source, purchase_id, min(created_at) as at, sum(amount_minor)::bigint as amount from money_entry
  where created_at >= :start and created_at < :end
    and kind in ({Kind.SALE:d}, {Kind.REFUND_SENT:d}, {Kind.SURPLUS:d}, {Kind.SURPLUS_SENT:d})
  group by 1, 2, 3)"""  # noqa: S608 - our own text
_OF_NAMES: Final = f"""named as (
  select {Kind.SALE:d} as kind, 'pur_' || replace(uuid::text, '-', '') as source, id as purchase_id from purchase
    where gateway = :gateway and payment_id = any(:payments)
  union all select {Kind.SURPLUS:d}, 'surplus:' || id, purchase_id from surplus_payment
    where gateway = :gateway and payment_id = any(:payments)
  union all select {Kind.REFUND_SENT:d}, uuid::text, purchase_id from refund
    where gateway = :gateway and (refund_id = any(:refunds) or uuid = any(cast(:references as uuid[])))
  union all select {Kind.SURPLUS_SENT:d}, 'surplus:' || id, purchase_id from surplus_payment
    where gateway = :gateway and refund_id = any(:refunds)
), entry as materialized (
  select n.kind, n.source, n.purchase_id, min(m.created_at) as at, sum(m.amount_minor)::bigint as amount
  from named n left join money_entry m on m.source = n.source and m.kind = n.kind and m.kind <> {Kind.RECOGNITION:d}
  group by 1, 2, 3)"""  # noqa: S608 - our own text
_UNDER_WAY: Final = f"r.status in ({RefundStatus.REQUESTED:d}, {RefundStatus.PENDING:d})"
_FOUND: Final = f"""select e.kind in ({Kind.SALE:d}, {Kind.SURPLUS:d}),
  case e.kind when {Kind.SALE:d} then p.payment_id when {Kind.REFUND_SENT:d} then r.refund_id
    when {Kind.SURPLUS:d} then s.payment_id else s.refund_id end,
  coalesce(e.amount, r.total_minor), coalesce(s.currency, p.currency), coalesce(e.at, r.created_at),
  coalesce(s.order_id, p.order_id), r.uuid, p.project_id, p.uuid, coalesce(r.status = {RefundStatus.FAILED:d}, false)
from entry e join purchase p on p.id = e.purchase_id and p.gateway = :gateway
left join refund r on r.uuid = case when e.kind = {Kind.REFUND_SENT:d} then e.source::uuid end
left join surplus_payment s on s.id = case when e.kind in ({Kind.SURPLUS:d}, {Kind.SURPLUS_SENT:d})
  then substr(e.source, 9)::bigint end
where r.origin is distinct from {RefundOrigin.DISPUTE:d} and (e.at is not null or {_UNDER_WAY})"""  # noqa: S608 - our own text
_DAY: Final = text(f"with {_OF_TIME} {_FOUND}")
_NAMED: Final = text(f"with {_OF_NAMES} {_FOUND}")
_OWNERS: Final = text(
    """select o.order_id, p.project_id, p.uuid from purchase_order o join purchase p on p.id = o.purchase_id
      where o.gateway = :gateway and o.order_id = any(:orders)
    union all select payment_id, project_id, uuid from purchase where gateway = :gateway and payment_id = any(:payments)
    union all select replace(uuid::text, '-', ''), project_id, uuid from purchase
      where uuid = any(cast(:uuids as uuid[])) and gateway = :gateway"""
)
_HEX: Final = re.compile("[0-9a-f]{32}")


async def booked(session: Session, gateway: str, span: Span) -> list[Booked]:
    """What the books say a provider took and gave back in a time; lost disputes are no refunds of a provider's list."""
    words = {"gateway": gateway, "start": span.start, "end": span.end}
    return [_booked(row) for row in await session.execute(_DAY, words)]


async def named(session: Session, gateway: str, movements: Iterable[Movement]) -> list[Booked]:
    """What the books have of those movements, whenever it was booked; and those refunds that are on their way."""
    payments = [one.id for one in movements if one.kind is MoneyMovement.PAYMENT]
    refunds = [one for one in movements if one.kind is MoneyMovement.REFUND]
    words = {"gateway": gateway, "payments": payments, "refunds": [one.id for one in refunds]}
    words["references"] = [one.reference for one in refunds if _HEX.fullmatch(one.reference)]
    return [_booked(row) for row in await session.execute(_NAMED, words)]


async def owners(
    session: Session, gateway: str, orders: Sequence[str], payments: Sequence[str], uuids: Sequence[UUID]
) -> dict[str, tuple[int, UUID]]:
    """Project and uuid of the purchases that have those orders, payments or uuids, by what they were found by."""
    words = {"gateway": gateway, "orders": orders, "payments": payments, "uuids": uuids}
    return {row[0]: (row[1], row[2]) for row in await session.execute(_OWNERS, words)}


async def sole_user(session: Session, gateway: str) -> int | None:
    """The only project that ever sold through a provider; None when several did."""
    sold = exists().where(Purchase.project_id == Project.id, Purchase.gateway == gateway)
    found = list(await session.scalars(select(Project.id).where(sold).limit(2)))
    return found[0] if len(found) == 1 else None


async def checked(session: Session, gateway: str, day: date) -> Sequence[GatewayDay]:
    """The days of projects that were compared."""
    query = select(GatewayDay).where(GatewayDay.gateway == gateway, GatewayDay.day == day)
    return (await session.scalars(query)).all()


async def write(session: Session, values: Mapping[str, Any]) -> None:
    """Keep what came of comparing a day, in place of what came of it before."""
    row = insert(GatewayDay).values(**values)
    kept = ("project_id", "gateway", "day", "differs_since")
    new: dict[str, Any] = {name: row.excluded[name] for name in values if name not in kept}
    since = func.coalesce(GatewayDay.differs_since, row.excluded.differs_since)
    new["differs_since"] = case((row.excluded.difference_count > 0, since), else_=null())
    key = ("project_id", "gateway", "day")
    await session.execute(row.on_conflict_do_update(index_elements=key, set_=new))


async def find(session: Session, project_id: int, gateway: str, day: date) -> GatewayDay | None:
    """A day of a project."""
    mine = (GatewayDay.project_id == project_id, GatewayDay.gateway == gateway, GatewayDay.day == day)
    return (await session.scalars(select(GatewayDay).where(*mine))).one_or_none()


async def newest(
    session: Session, project_id: int, gateway: str | None, page: Page, *, only_differing: bool
) -> Sequence[GatewayDay]:
    """Days of a project, those that were compared last first."""
    query = select(GatewayDay).where(GatewayDay.project_id == project_id)
    if gateway is not None:
        query = query.where(GatewayDay.gateway == gateway)
    if only_differing:
        query = query.where(GatewayDay.difference_count > 0)
    return (await session.scalars(newest_first(query, GatewayDay.id, page))).all()


async def staying(session: Session, gateway: str, since_day: date, before: datetime) -> int:
    """How many days have differed since before a time."""
    mine = (GatewayDay.gateway == gateway, GatewayDay.day >= since_day, GatewayDay.differs_since < before)
    return int(await session.scalar(select(func.count()).select_from(GatewayDay).where(*mine)) or 0)


def _booked(row: Any) -> Booked:  # noqa: ANN401 - a row of _FOUND
    is_payment, name, amount, currency, at, order_id, reference, project_id, purchase, came_back = row
    kind = MoneyMovement.PAYMENT if is_payment else MoneyMovement.REFUND
    words = {"order_id": order_id, "reference": reference.hex if reference else ""}
    return Booked(Movement(kind, name or "", amount, currency, at, **words), project_id, purchase, came_back)
