"""Queries of projects' prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from db.models.projects import FeaturePrice, PriceVersion, Project
from db.paging import newest_first
from domain.caps import cap_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.database import Session
    from domain.pages import Page
    from domain.pricing import Price


async def current(session: Session, project_id: int) -> list[FeaturePrice]:
    """The prices in force, by category and name."""
    query = (
        select(FeaturePrice)
        .join(Project, (Project.id == FeaturePrice.project_id) & (Project.price_version == FeaturePrice.version))
        .where(Project.id == project_id)
        .order_by(FeaturePrice.category, FeaturePrice.feature)
    )
    return list(await session.scalars(query))


async def publish(
    session: Session,
    project_id: int,
    prices: Sequence[Price],
    note: str | None,
    published_by: int | None,
) -> PriceVersion:
    """Write the next version and put it in force; publishers of one project go one after the other."""
    locked = select(Project).where(Project.id == project_id).with_for_update()
    project = (await session.scalars(locked)).one()
    version = project.price_version + 1
    row = PriceVersion(project_id=project_id, version=version, note=note, published_by=published_by)
    session.add(row)
    await session.flush()
    await session.execute(insert(FeaturePrice), [_price_row(project_id, version, price) for price in prices])
    await session.execute(update(Project).where(Project.id == project_id).values(price_version=version))
    await session.refresh(row)
    return row


async def versions(session: Session, project_id: int, page: Page) -> Sequence[PriceVersion]:
    """Published versions, newest first."""
    query = select(PriceVersion).where(PriceVersion.project_id == project_id)
    return (await session.scalars(newest_first(query, PriceVersion.version, page))).all()


async def of_versions(session: Session, project_id: int, numbers: Sequence[int]) -> dict[int, list[FeaturePrice]]:
    """The prices of some versions, in one query."""
    query = select(FeaturePrice).where(FeaturePrice.project_id == project_id, FeaturePrice.version.in_(numbers))
    result: dict[int, list[FeaturePrice]] = {number: [] for number in numbers}
    for row in await session.scalars(query.order_by(FeaturePrice.category, FeaturePrice.feature)):
        result[row.version].append(row)
    return result


def _price_row(project_id: int, version: int, price: Price) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "version": version,
        "feature": price.feature,
        "category": price.category,
        "cap_group": cap_group(price.feature, price.category),
        "credits": price.credits,
    }
