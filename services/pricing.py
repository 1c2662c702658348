"""Prices: read the matrix, publish a new version, look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import pricing as queries
from domain.inputs import check_text
from domain.limits import MAX_REASON_CHARACTERS
from domain.permissions import Actor, Permission
from domain.pricing import Price, validate_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.models.projects import FeaturePrice, PriceVersion
    from domain.pages import Page
    from services.coffer import Coffer


async def list_prices(coffer: Coffer, actor: Actor) -> list[FeaturePrice]:
    """The prices in force."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.current(session, actor.project_id)


async def publish_prices(coffer: Coffer, actor: Actor, prices: Sequence[Price], note: str | None) -> PriceVersion:
    """Put a whole new matrix in force, at once for every spend that starts after this returns. InvalidInput."""
    actor.require(Permission.PUBLISH_PRICES)
    validate_matrix(prices)
    if note is not None:
        check_text(note, "note", MAX_REASON_CHARACTERS)
    async with coffer.database.transaction() as session:
        return await queries.publish(session, actor.project_id, prices, note, actor.api_key_id)


async def list_price_versions(coffer: Coffer, actor: Actor, page: Page) -> Sequence[PriceVersion]:
    """Published versions, newest first."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.versions(session, actor.project_id, page)


async def prices_of(coffer: Coffer, actor: Actor, versions: Sequence[int]) -> dict[int, list[FeaturePrice]]:
    """The prices of some versions."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.of_versions(session, actor.project_id, versions)
