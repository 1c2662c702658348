"""Objects of one project by their public ids, many of a kind in one query."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Select, Uuid, bindparam, column, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from db.models.controls import Cap, Gift
from db.models.invoices import Invoice
from db.models.jobs import Job
from db.models.ledger import CreditTransaction, Hold, Wallet
from db.models.lots import Lot
from db.models.payouts import Beneficiary, PayoutTransfer
from db.models.projects import ApiKey
from db.models.purchases import Purchase
from db.models.refunds import Dispute, Refund
from db.models.splits import PurchaseSplit, Vendor
from db.models.subscriptions import CreditSubscription
from db.transactions import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.database import Session
    from domain.holds import HoldKind

_WANTED: Final = (
    func.unnest(bindparam("wallets", type_=ARRAY(Uuid)), bindparam("sequences", type_=ARRAY(BigInteger)))
    .table_valued(column("wallet", Uuid), column("sequence", BigInteger), name="wanted")
    .render_derived()
)


async def _by_uuid(model: Any, session: Session, project_id: int, uuids: Sequence[UUID]) -> dict[UUID, Any]:  # noqa: ANN401
    """The project's rows among the uuids, removed and revoked ones too."""
    query = select(model).where(model.project_id == project_id, model.uuid.in_(uuids))
    return {row.uuid: row for row in await session.scalars(query)}


wallets: Final = partial(_by_uuid, Wallet)
purchases: Final = partial(_by_uuid, Purchase)
subscriptions: Final = partial(_by_uuid, CreditSubscription)
refunds: Final = partial(_by_uuid, Refund)
disputes: Final = partial(_by_uuid, Dispute)
beneficiaries: Final = partial(_by_uuid, Beneficiary)
payout_transfers: Final = partial(_by_uuid, PayoutTransfer)
vendors: Final = partial(_by_uuid, Vendor)
purchase_splits: Final = partial(_by_uuid, PurchaseSplit)
invoices: Final = partial(_by_uuid, Invoice)
gifts: Final = partial(_by_uuid, Gift)
keys: Final = partial(_by_uuid, ApiKey)


async def holds(session: Session, project_id: int, kind: HoldKind, uuids: Sequence[UUID]) -> dict[UUID, Any]:
    """The project's holds or payouts among the uuids."""
    query = _of_wallets(Hold, project_id).where(Hold.kind == kind, Hold.uuid.in_(uuids))
    return {row.uuid: row for row in await session.scalars(query)}


async def caps(session: Session, project_id: int, uuids: Sequence[UUID]) -> Sequence[Cap]:
    """The project's caps among the uuids."""
    return (await session.scalars(_of_wallets(Cap, project_id).where(Cap.uuid.in_(uuids)))).all()


async def lots(session: Session, project_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """The project's lots among the ids, as they were last settled."""
    return {row.id: row for row in await session.scalars(_of_wallets(Lot, project_id).where(Lot.id.in_(ids)))}


async def jobs(session: Session, project_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """The project's jobs among the ids."""
    query = select(Job).where(Job.project_id == project_id, Job.id.in_(ids))
    return {row.id: row for row in await session.scalars(query)}


async def transactions(
    session: Session, project_id: int, places: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Any]:
    """The project's ledger rows at these places (wallet, sequence)."""
    same = (Wallet.id, _WANTED.c.sequence)
    query = (
        select(*COLUMNS, Wallet.uuid.label("wallet_uuid"))
        .select_from(_WANTED)
        .join(Wallet, Wallet.uuid == _WANTED.c.wallet)
        .join(CreditTransaction, tuple_(CreditTransaction.wallet_id, CreditTransaction.sequence) == tuple_(*same))
        .where(Wallet.project_id == project_id)
    )
    words = {"wallets": [wallet for wallet, _ in places], "sequences": [sequence for _, sequence in places]}
    return {(row.wallet_uuid, row.sequence): row for row in await session.execute(query, words)}


def _of_wallets(model: Any, project_id: int) -> Select[Any]:  # noqa: ANN401 - a model
    """Rows of the project's wallets."""
    return select(model).join(Wallet, Wallet.id == model.wallet_id).where(Wallet.project_id == project_id)
