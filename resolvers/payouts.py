"""Payouts whose money a provider sends."""

from functools import partial
from typing import Annotated, Any

import strawberry

from domain.payouts import BankDetails
from resolvers.acts import given, refusable
from resolvers.narrowing import narrowed
from schema.context import Info
from schema.enums import PayoutStatus
from schema.ids import parse_id
from schema.pagination import After, First, connection
from schema.types import payouts as types
from services import beneficiaries as beneficiary_service
from services import payouts as service
from services.requests import BeneficiaryRequest, PayoutRequest
from services.wallets import get_wallet

OfWallet = Annotated[strawberry.ID | None, strawberry.argument(description="Only of this wallet.")]
InStatus = Annotated[PayoutStatus | None, strawberry.argument(description="Only those that stand there.")]


@refusable(types.BeneficiaryPayload)
async def create_beneficiary(info: Info, input: types.BeneficiaryInput) -> types.BeneficiaryPayload:
    """Make an account known to which credits of a wallet may be paid out (owner, admin)."""
    request = BeneficiaryRequest(
        wallet=parse_id("wal", input.wallet_id),
        name=input.name,
        details=BankDetails(given(input.account_number), given(input.ifsc), given(input.vpa)),
        idempotency_key=input.idempotency_key,
        gateway=given(input.gateway),
    )
    row: Any = await beneficiary_service.create_beneficiary(info.context.coffer, info.context.actor, request)
    return types.BeneficiaryPayload(beneficiary=row, errors=[])


@refusable(types.BeneficiaryPayload)
async def remove_beneficiary(info: Info, id: strawberry.ID) -> types.BeneficiaryPayload:
    """Pay out nothing more to a beneficiary (owner, admin)."""
    words = (info.context.coffer, info.context.actor, parse_id("ben", id))
    row: Any = await beneficiary_service.remove_beneficiary(*words)
    return types.BeneficiaryPayload(beneficiary=row, errors=[])


@refusable(types.RequestPayoutPayload)
async def request_payout(info: Info, input: types.RequestPayoutInput) -> types.RequestPayoutPayload:
    """Lock credits and have their list price sent to a beneficiary (owner, admin)."""
    ids = (parse_id("wal", input.wallet_id), parse_id("ben", input.beneficiary_id))
    request = PayoutRequest(*ids, input.credits, input.reason, input.idempotency_key)
    row: Any = await service.request_payout(info.context.coffer, info.context.actor, request)
    wallet: Any = await get_wallet(info.context.coffer, info.context.actor, row.wallet_uuid)
    return types.RequestPayoutPayload(transfer=row, wallet=wallet, errors=[])


async def beneficiaries(
    info: Info, wallet_id: strawberry.ID, first: First = 50, after: After = strawberry.UNSET
) -> Any:  # noqa: ANN401 - a connection
    """A wallet's beneficiaries, newest first."""
    words = (info.context.coffer, info.context.actor, parse_id("wal", wallet_id))
    return await connection(first, after, partial(beneficiary_service.list_beneficiaries, *words))


async def payout_transfers(
    info: Info,
    first: First = 50,
    after: After = strawberry.UNSET,
    wallet_id: OfWallet = strawberry.UNSET,
    status: InStatus = strawberry.UNSET,
) -> Any:  # noqa: ANN401 - a connection
    """Payouts whose money a provider sends, of the project or of one wallet, newest first."""
    words = (info.context.coffer, info.context.actor, narrowed("wal", wallet_id), given(status))
    return await connection(first, after, partial(service.list_transfers, *words))
