"""Beneficiaries: which accounts a wallet's credits may be paid out to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import IdempotencyConflict, InvalidInput, InvalidState, NotFound, PaymentFailed
from domain.pages import Page
from domain.payouts import BankDetails, BeneficiaryStatus
from services.beneficiaries import create_beneficiary, list_beneficiaries, remove_beneficiary
from services.payouts import request_payout
from services.requests import BeneficiaryRequest, PayoutRequest
from tests.builders import wallet_with
from tests.services.payout_steps import ACCOUNT, Payer, beneficiary_of, figures

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer


async def test_only_verified_beneficiaries_of_the_wallet_are_paid(paying: Coffer, actor: Actor) -> None:
    """Another wallet's is not found, a removed one is refused and no more listed."""
    wallet, other = [await wallet_with(paying, actor, 100) for _ in range(2)]
    mine = await beneficiary_of(paying, actor, wallet)
    with pytest.raises(NotFound):
        await request_payout(paying, actor, PayoutRequest(other.uuid, mine, 50, "r", "k"))
    await remove_beneficiary(paying, actor, mine)
    with pytest.raises(InvalidState, match="REMOVED"):
        await request_payout(paying, actor, PayoutRequest(wallet.uuid, mine, 50, "r", "k"))
    assert await list_beneficiaries(paying, actor, wallet.uuid, Page(5, None)) == []
    assert await figures(paying, actor, wallet) == (100, 0)


async def test_a_beneficiary_is_asked_for_until_it_is_decided(paying: Coffer, payer: Payer, actor: Actor) -> None:
    """The same key gives the same one; an outage leaves it PENDING, and a refusal is kept."""
    wallet = await wallet_with(paying, actor, 0)
    payer.is_down = True
    with pytest.raises(PaymentFailed):
        await beneficiary_of(paying, actor, wallet)
    payer.is_down = False
    assert await beneficiary_of(paying, actor, wallet) == await beneficiary_of(paying, actor, wallet)
    with pytest.raises(IdempotencyConflict):
        await beneficiary_of(paying, actor, wallet, name="Someone Else")
    payer.refuses = True
    with pytest.raises(PaymentFailed, match="says no"):
        await beneficiary_of(paying, actor, wallet, idempotency_key="c")
    rows = await list_beneficiaries(paying, actor, wallet.uuid, Page(5, None))
    assert [(row.status, row.label) for row in rows] == [
        (BeneficiaryStatus.REFUSED, "…1191 YESB0000262"),
        (BeneficiaryStatus.VERIFIED, "…1191 YESB0000262"),
    ]


@pytest.mark.parametrize(
    ("name", "details", "field"),
    [
        ("Asha 2", ACCOUNT, "name"),
        ("Asha", BankDetails(), "accountNumber"),
        ("Asha", BankDetails("123456789", "SBIN0000001", "asha@upi"), "accountNumber"),
        ("Asha", BankDetails("12345678", "SBIN0000001"), "accountNumber"),
        ("Asha", BankDetails("123456789", "SBIN1000001"), "ifsc"),
        ("Asha", BankDetails("123456789"), "ifsc"),
        ("Asha", BankDetails(vpa="asha"), "vpa"),
    ],
)
async def test_an_account_that_is_none_is_refused(
    paying: Coffer, actor: Actor, name: str, details: BankDetails, field: str
) -> None:
    """The refusal names the field at fault, and no provider is asked."""
    with pytest.raises(InvalidInput) as refused:
        await create_beneficiary(paying, actor, BeneficiaryRequest(None, name, details, "k"))
    assert refused.value.field == [field]
