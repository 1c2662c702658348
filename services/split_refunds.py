"""What refunds take back of the parts of a purchase that its provider settled to vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import splits as queries
from domain.splits import SplitStatus, take_back
from gateways.splits import Part
from services.jobs import RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from db.database import Session
    from db.models.purchases import Purchase
    from db.models.refunds import Refund
    from db.models.splits import PurchaseSplit


async def plan(session: Session, row: Purchase, refund: Refund) -> None:
    """Take from each vendor its share of a refund that the project has begun."""
    splits = await queries.held(session, row.id)
    left = [split.amount_minor - split.refunded_minor for split in splits]
    before = row.amount_minor - row.refunded_minor + refund.amount_minor
    parts = take_back(left, refund.amount_minor, before)
    await queries.take_back(session, refund.id, dict(zip(splits, parts, strict=True)))


async def note(session: Session, row: Purchase, refund: Refund, told: Sequence[Part]) -> None:
    """Write what a refund that was begun elsewhere takes from vendors, as the provider tells it."""
    wanted = {part.vendor: part.amount_minor for part in told}
    parts = {}
    for split in await queries.held(session, row.id) if wanted else ():
        vendor, left = split.vendor_uuid.hex, split.amount_minor - split.refunded_minor
        parts[split] = min(left, wanted.get(vendor, 0))
        wanted[vendor] = wanted.get(vendor, 0) - parts[split]
    await queries.take_back(session, refund.id, parts)


async def parts_of(session: Session, refund: Refund) -> list[Part]:
    """What the provider is to take from each vendor. RetryLater while it has not answered about a split of them."""
    taken = await queries.taken_back(session, refund.id)
    if any(split.status is SplitStatus.REQUESTED for split, _ in taken):
        raise RetryLater("A vendor's part of this purchase is on its way to it.")
    return _by_vendor(taken)


async def give_again(session: Session, refund: Refund) -> None:
    """Leave vendors what a refund that came to nothing had taken."""
    for split, amount_minor in await queries.taken_back(session, refund.id):
        split.refunded_minor -= amount_minor


async def parts_of_order(session: Session, purchase_id: int) -> list[Part]:
    """What each vendor got of any paid order of a purchase: a second one gives back all of it."""
    return _by_vendor([(split, split.amount_minor) for split in await queries.planned(session, purchase_id)])


def _by_vendor(parts: Iterable[tuple[PurchaseSplit, int]]) -> list[Part]:
    """One part for each vendor, however many splits it has."""
    sums: dict[str, int] = {}
    for split, amount_minor in parts:
        sums[split.vendor_uuid.hex] = sums.get(split.vendor_uuid.hex, 0) + amount_minor
    return [Part(vendor, amount_minor) for vendor, amount_minor in sums.items()]
