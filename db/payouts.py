"""Queries of beneficiaries and of payouts whose money a provider sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.models.payouts import Beneficiary, PayoutTransfer
from db.paging import newest_first
from domain.payouts import BeneficiaryStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.database import Session
    from domain.pages import Page
    from domain.payouts import PayoutStatus


async def add_beneficiary(session: Session, values: Mapping[str, Any]) -> Beneficiary:
    """Keep a beneficiary, or find the one with its uuid, locked until the end of the transaction."""
    await session.execute(insert(Beneficiary).values(**values).on_conflict_do_nothing())
    query = select(Beneficiary).where(Beneficiary.uuid == values["uuid"]).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def lock_beneficiary(session: Session, project_id: int, uuid: UUID) -> Beneficiary | None:
    """The project's beneficiary with that uuid, locked until the end of the transaction."""
    query = select(Beneficiary).where(Beneficiary.uuid == uuid, Beneficiary.project_id == project_id)
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).one_or_none()


async def beneficiaries(session: Session, wallet_id: int, page: Page) -> Sequence[Beneficiary]:
    """A wallet's beneficiaries but those that were removed, newest first."""
    kept = (Beneficiary.wallet_id == wallet_id, Beneficiary.status != BeneficiaryStatus.REMOVED)
    return (await session.scalars(newest_first(select(Beneficiary).where(*kept), Beneficiary.id, page))).all()


async def transfer(session: Session, uuid: UUID) -> PayoutTransfer | None:
    """A payout's transfer as it is now."""
    query = select(PayoutTransfer).where(PayoutTransfer.uuid == uuid).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def lock(session: Session, uuid: UUID) -> PayoutTransfer:
    """The same, locked until the end of the transaction."""
    query = select(PayoutTransfer).where(PayoutTransfer.uuid == uuid).execution_options(populate_existing=True)
    return (await session.scalars(query.with_for_update())).one()


async def of_hold(session: Session, hold: UUID) -> PayoutTransfer | None:
    """The transfer that a payout's credits are locked for."""
    query = select(PayoutTransfer).where(PayoutTransfer.hold_uuid == hold).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def newest(
    session: Session, project_id: int, wallet: UUID | None, status: PayoutStatus | None, page: Page
) -> Sequence[PayoutTransfer]:
    """Transfers of a project, of one wallet or status if named, newest first."""
    query = select(PayoutTransfer).where(PayoutTransfer.project_id == project_id)
    if wallet is not None:
        query = query.where(PayoutTransfer.wallet_uuid == wallet)
    if status is not None:
        query = query.where(PayoutTransfer.status == status)
    return (await session.scalars(newest_first(query, PayoutTransfer.id, page))).all()
