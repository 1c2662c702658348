"""What Coffer asks of a provider that sends money to people's accounts; each is one file beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.payouts import BankDetails, BeneficiaryStatus, PayoutStatus
    from gateways.base import WebhookEvent


@dataclass(frozen=True, slots=True)
class NewBeneficiary:
    """An account to send money to; `reference` is our id of it, letters and digits."""

    reference: str
    name: str
    details: BankDetails


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Money to send, in minor units; `reference` is our id of it, letters and digits, and is paid once."""

    reference: str
    beneficiary: str
    amount_minor: int
    currency: str
    remarks: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as the provider tells it, in minor units; `utr` is the banks' own number of it."""

    reference: str
    transfer_id: str
    amount_minor: int
    status: PayoutStatus
    utr: str | None = None
    failure_reason: str | None = None


class PayoutGateway(Protocol):
    """A provider that sends money. Calls raise GatewayRefused or GatewayUnavailable (see gateways/base.py)."""

    name: str

    async def create_beneficiary(self, wanted: NewBeneficiary) -> BeneficiaryStatus:
        """Make an account known; the same reference makes it once."""
        ...

    async def send_transfer(self, request: TransferRequest) -> Transfer:
        """Send money; the same reference sends it once, whatever became of earlier calls."""
        ...

    async def fetch_transfer(self, reference: str) -> Transfer:
        """Read how a transfer stands."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check signature and age of a message over its raw bytes; header names are lower case. WebhookRejected."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
