"""Proving the books against what providers list: each day that is over, movement by movement and in total."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from prometheus_client import Gauge

from db import purchases as purchase_queries
from db import totals as queries
from domain.errors import InvalidInput
from domain.jobs import Queue
from domain.permissions import Actor, Permission
from domain.totals import (
    CHECKED_DAYS,
    FURTHEST_DAYS,
    DifferenceKind,
    MoneyMovement,
    Movement,
    Span,
    compare,
    span_of,
    unbooked,
    unlisted,
)
from gateways.movements import movements_of
from services.gateways import choose_gateway
from services.jobs import enqueue, nothing
from services.purchases import follow_up_work
from services.refunds import watch
from services.settlement import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from db.models.totals import GatewayDay
    from domain.pages import Page
    from domain.totals import Booked, Comparison, Difference
    from services.coffer import Coffer
    from services.jobs import Effect

    Purchases = Mapping[tuple[MoneyMovement, str], tuple[int, UUID]]

MARGIN: Final = timedelta(hours=6)
"""What is listed beside a day: more than India's clocks are ahead, and than clocks are apart."""

LATE_DAYS: Final = 7
"""How far back is looked, a day at a time, for what was booked long after it moved."""

SETTLED: Final = timedelta(hours=1)
"""How long after its end a day is compared first."""

REPEAT: Final = timedelta(hours=8)
"""How often one of the latest days is compared again."""

STAYS: Final = timedelta(hours=12)
"""A difference that is older has not mended itself, and is counted in the metric."""

ALERTED_DAYS: Final = 7
KEPT_DIFFERENCES: Final = 100
"""Differences of a day that are kept with their ids, and about which providers are asked."""

_staying: Final = Gauge(
    "coffer_gateway_days_differing",
    f"Days of projects, of the last {ALERTED_DAYS}, on which books and provider have differed for hours.",
    ["gateway"],
)
_log: Final = structlog.get_logger()


async def plan_checks(coffer: Coffer) -> None:
    """Have the latest days that are over compared, those again that were long ago; and count what stays different."""
    now = coffer.clock().astimezone(UTC)
    for gateway in [name for name, one in coffer.gateways.items() if movements_of(one)]:
        async with coffer.database.transaction() as session:
            for back in range(1, CHECKED_DAYS + 1):
                day = now.date() - timedelta(days=back)
                rows = await queries.checked(session, gateway, day)
                if span_of(day).end + SETTLED <= now and all(row.checked_at <= now - REPEAT for row in rows):
                    await _plan(coffer, session, gateway, day, {})
            since = now.date() - timedelta(days=ALERTED_DAYS)
            _staying.labels(gateway).set(await queries.staying(session, gateway, since, now - STAYS))


async def check(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `gateway.check`: compare a day of a provider, for every project that has anything on it."""
    gateway, day = payload["gateway"], date.fromisoformat(payload["day"])
    provider, span = movements_of(coffer.gateway(gateway)), span_of(day)
    if provider is None:
        return nothing
    listed = span.widened(MARGIN, MARGIN)
    told = await provider.list_movements(listed)
    async with coffer.database.reading() as session:
        alone = [one for one in await _booked(session, gateway, span, told) if one.movement.at in span]
    for _ in range(LATE_DAYS):
        alone = unlisted(alone, told)
        if not alone:
            break
        listed = Span(listed.start - timedelta(days=1), listed.start)
        told += await provider.list_movements(listed)

    async def effect(session: Session) -> None:
        await _compare(coffer, session, (gateway, day, payload.get("project_id")), told)

    return effect


async def list_days(
    coffer: Coffer, actor: Actor, gateway: str | None, page: Page, *, only_differing: bool
) -> Sequence[GatewayDay]:
    """The project's days that were compared, the last ones first."""
    actor.require(Permission.READ_BOOKS)
    async with coffer.database.reading() as session:
        return await queries.newest(session, actor.project_id, gateway, page, only_differing=only_differing)


async def ask_for_check(coffer: Coffer, actor: Actor, gateway: str, day: date) -> GatewayDay | None:
    """Have a day compared again; gives what came of it before, if it was. InvalidInput."""
    actor.require(Permission.READ_BOOKS)
    age = coffer.clock().astimezone(UTC).date() - day
    if not timedelta(days=1) <= age <= timedelta(days=FURTHEST_DAYS):
        raise InvalidInput(f"day is one of the last {FURTHEST_DAYS} that are over, in UTC.", field=["day"])
    async with coffer.database.transaction() as session:
        await choose_gateway(coffer, session, actor.project_id, gateway)
        if movements_of(coffer.gateways[gateway]) is None:
            raise InvalidInput(f"The gateway {gateway!r} lists no movements.", field=["gateway"])
        await _plan(coffer, session, gateway, day, {"project_id": actor.project_id})
        return await queries.find(session, actor.project_id, gateway, day)


async def _plan(coffer: Coffer, session: Session, gateway: str, day: date, asked: Mapping[str, int]) -> None:
    work = (Queue.SETTLEMENTS_PROCESSING, "gateway.check", {"gateway": gateway, "day": day.isoformat(), **asked})
    await enqueue(coffer, session, work, key=f"gateway day:{gateway}:{day}:{asked.get('project_id', '')}")


async def _booked(session: Session, gateway: str, span: Span, told: Sequence[Movement]) -> list[Booked]:
    """The books of a time, and what they have at another time of what is told."""
    found = [*await queries.booked(session, gateway, span), *await queries.named(session, gateway, told)]
    return list({(one.movement.kind, one.movement.id, one.movement.reference): one for one in found}.values())


async def _compare(
    coffer: Coffer, session: Session, about: tuple[str, date, int | None], told: Sequence[Movement]
) -> None:
    gateway, day, asked_by = about
    span = span_of(day)
    booked = await _booked(session, gateway, span, told)
    purchases = await _purchases(session, gateway, unbooked(booked, told))
    ours, theirs = _by_project(booked, told, purchases, await queries.sole_user(session, gateway))
    wanted = {row.project_id for row in await queries.checked(session, gateway, day)} | ({asked_by} - {None})
    for project_id in sorted({*ours, *theirs, *filter(None, wanted)}):
        result = compare(ours[project_id], theirs[project_id], span)
        if result.ours or result.theirs or project_id in wanted:
            await _write(coffer, session, (project_id, gateway, day), result, purchases)
            await _ask(coffer, session, result.differences, purchases)


async def _purchases(session: Session, gateway: str, movements: Sequence[Movement]) -> Purchases:
    """The purchases to which movements belong that the books do not have."""
    uuids = {one: parsed[0] for one in movements if (parsed := parse_reference(one.reference))}
    orders, payments = [[getattr(one, name) for one in movements] for name in ("order_id", "payment_id")]
    found = await queries.owners(session, gateway, orders, payments, list(uuids.values()))
    owners = {}
    for one in movements:
        names = (one.order_id, one.payment_id, uuids[one].hex if one in uuids else None)
        owners[one.kind, one.id] = next((found[name] for name in names if name in found), None)
    return {name: owner for name, owner in owners.items() if owner is not None}


def _by_project(
    booked: Iterable[Booked], told: Iterable[Movement], purchases: Purchases, sole: int | None
) -> tuple[defaultdict[int, list[Booked]], defaultdict[int, list[Movement]]]:
    """Both lists by project. What no purchase explains is of the only project that sells through it, if one does."""
    ours: defaultdict[int, list[Booked]] = defaultdict(list)
    theirs: defaultdict[int, list[Movement]] = defaultdict(list)
    owner = {name: owner for name, (owner, _) in purchases.items()}
    for mine in booked:
        ours[mine.project_id].append(mine)
        owner |= dict.fromkeys(mine.movement.names, mine.project_id)
    nobodys = 0
    for one in told:
        project_id = next((owner[name] for name in one.names if name in owner), sole)
        if project_id is None:
            nobodys += 1
        else:
            theirs[project_id].append(one)
    if nobodys:
        _log.warning("gateway.movements_of_nobody", movements=nobodys)
    return ours, theirs


async def _write(
    coffer: Coffer, session: Session, about: tuple[int, str, date], result: Comparison, purchases: Purchases
) -> None:
    project_id, gateway, day = about
    now, count = coffer.clock(), len(result.differences)
    values = {"project_id": project_id, "gateway": gateway, "day": day, "checked_at": now, "difference_count": count}
    values |= {"ours": [asdict(one) for one in result.ours], "theirs": [asdict(one) for one in result.theirs]}
    values["differences"] = [_kept(one, purchases) for one in result.differences[:KEPT_DIFFERENCES]]
    await queries.write(session, values | {"differs_since": now if count else None})


def _kept(one: Difference, purchases: Purchases) -> dict[str, Any]:
    about, purchase = one.movement, _purchase_of(one, purchases)
    sides = {"ours": one.ours and one.ours.movement, "theirs": one.theirs}
    kept: dict[str, Any] = {
        name: side and {"minor": side.amount_minor, "currency": side.currency} for name, side in sides.items()
    }
    kept |= {"kind": one.kind, "movement": about.kind, "provider_id": about.id, "order_id": about.order_id}
    return kept | {"purchase": purchase and purchase.hex}


def _purchase_of(one: Difference, purchases: Purchases) -> UUID | None:
    if one.ours is not None:
        return one.ours.purchase
    owner = purchases.get((one.movement.kind, one.movement.id))
    return owner and owner[1]


async def _ask(coffer: Coffer, session: Session, differences: Sequence[Difference], purchases: Purchases) -> None:
    """Ask the provider about the purchases of differences, as after a lost message, so that they mend themselves."""
    for one in differences[:KEPT_DIFFERENCES]:
        uuid = _purchase_of(one, purchases)
        row = uuid and await purchase_queries.by_uuid(session, uuid)
        if not row:
            continue
        if one.movement.kind is MoneyMovement.REFUND:
            await watch(coffer, session, row, at_once=True)
        elif one.kind is DifferenceKind.MISSING_HERE:
            work = follow_up_work(row, one.movement.order_id or row.order_id)
            await enqueue(coffer, session, work, key=f"gateway day:{row.gateway}:{one.movement.id}")
