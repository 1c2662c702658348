"""Steps that the tests of payouts share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from domain.pages import Page
from domain.payouts import BankDetails, BeneficiaryStatus, PayoutStatus
from gateways.base import GatewayRefused, GatewayUnavailable
from gateways.payouts import NewBeneficiary, Transfer, TransferRequest
from services.beneficiaries import create_beneficiary
from services.payouts import list_transfers, request_payout
from services.requests import BeneficiaryRequest, PayoutRequest
from services.wallets import get_wallet
from tests.builders import wallet_with

if TYPE_CHECKING:
    from uuid import UUID

    from db.models.ledger import Wallet
    from db.models.payouts import PayoutTransfer
    from domain.permissions import Actor
    from services.coffer import Coffer

ACCOUNT = BankDetails("026291800001191", "YESB0000262")


class WorkerKilledError(BaseException):
    """What ends a worker in the middle of its work: nothing catches it, as nothing catches a kill."""


@dataclass
class Payer:
    """A provider that remembers what it sent: one transfer for each reference, PENDING until a test decides it."""

    name = "payer"
    verdict: PayoutStatus = PayoutStatus.PENDING
    known: dict[str, BeneficiaryStatus] = field(default_factory=dict)
    sent: dict[str, Transfer] = field(default_factory=dict)
    refuses: bool = False
    is_down: bool = False
    kills: bool = False

    async def create_beneficiary(self, wanted: NewBeneficiary) -> BeneficiaryStatus:
        """Know an account from now on."""
        self._answer()
        return self.known.setdefault(wanted.reference, BeneficiaryStatus.VERIFIED)

    async def send_transfer(self, request: TransferRequest) -> Transfer:
        """Send once for the reference; a kill comes after that, so the answer is lost."""
        self._answer()
        made = Transfer(request.reference, f"t-{request.reference}", request.amount_minor, self.verdict)
        self.sent.setdefault(request.reference, made)
        if self.kills:
            raise WorkerKilledError
        return self.sent[request.reference]

    async def fetch_transfer(self, reference: str) -> Transfer:
        """How a transfer stands."""
        self._answer()
        return self.sent[reference]

    def decide(self, status: PayoutStatus) -> None:
        """Bring every transfer there."""
        self.sent = {name: replace(told, status=status, failure_reason="no") for name, told in self.sent.items()}

    async def close(self) -> None:
        """Close nothing."""

    def _answer(self) -> None:
        if self.is_down:
            raise GatewayUnavailable("The payer is down.")
        if self.refuses:
            raise GatewayRefused("The payer says no.")


def with_payer(coffer: Coffer, payer: Payer) -> Coffer:
    """The process with that provider of payouts."""
    return replace(coffer, payers={"payer": payer})  # type: ignore[dict-item]  # it gets no webhooks


async def beneficiary_of(coffer: Coffer, actor: Actor, wallet: Wallet, **changes: object) -> UUID:
    """A beneficiary of a wallet."""
    request = BeneficiaryRequest(wallet.uuid, "Asha Rao", ACCOUNT, "b")
    row = await create_beneficiary(coffer, actor, replace(request, **changes))  # type: ignore[arg-type]
    return row.uuid


async def asked(coffer: Coffer, actor: Actor, credits: int = 400) -> tuple[Wallet, PayoutTransfer]:
    """A wallet of 1,000 credits, some of which are to be paid out."""
    wallet = await wallet_with(coffer, actor, 1_000)
    return wallet, await pay(coffer, actor, wallet, credits)


async def pay(coffer: Coffer, actor: Actor, wallet: Wallet, credits: int, key: str | None = None) -> PayoutTransfer:
    """Ask for a payout of a wallet's credits."""
    beneficiary = await beneficiary_of(coffer, actor, wallet)
    request = PayoutRequest(wallet.uuid, beneficiary, credits, "earned", key or uuid4().hex)
    return await request_payout(coffer, actor, request)


async def figures(coffer: Coffer, actor: Actor, wallet: Wallet) -> tuple[int, int]:
    """Available and locked credits."""
    row = await get_wallet(coffer, actor, wallet.uuid)
    assert row is not None
    return row.available_credits, row.locked_credits


async def states(coffer: Coffer, actor: Actor) -> list[str]:
    """Where the project's payouts stand, oldest first."""
    rows = await list_transfers(coffer, actor, None, None, Page(50, None))
    return [row.status.name for row in reversed(rows)]
