"""Cashfree Payouts (India): money to bank accounts and UPI addresses; API of 2024-01-01, with its own credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.payouts import BeneficiaryStatus, PayoutStatus
from gateways import inbox
from gateways.base import EventKind, GatewayRefused, WebhookEvent
from gateways.calls import Calls, readable
from gateways.cashfree_answers import paise, rupees
from gateways.cashfree_calls import check_signature, checked, headers_of
from gateways.payouts import Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.payouts import BankDetails
    from gateways.accounts import CashfreePayoutsAccount
    from gateways.payouts import NewBeneficiary, TransferRequest

API_VERSION: Final = "2024-01-01"
_NOT_FOUND: Final = 404
_KNOWN: Final = 409

_STATUSES: Final = {
    "SUCCESS": PayoutStatus.SUCCEEDED,
    "FAILED": PayoutStatus.FAILED,
    "REJECTED": PayoutStatus.FAILED,
    "MANUALLY_REJECTED": PayoutStatus.FAILED,
    "REVERSED": PayoutStatus.REVERSED,
}
"""Everything else, such as RECEIVED, APPROVAL_PENDING, QUEUED and PENDING, is on its way."""

_BENEFICIARY_STATUSES: Final = {
    "VERIFIED": BeneficiaryStatus.VERIFIED,
    "INITIATED": BeneficiaryStatus.PENDING,
}
"""Everything else has ended."""


class CashfreePayouts:
    """Talks to Cashfree Payouts; our reference is the transfer's id there, which is paid once."""

    name = "cashfree-payouts"

    def __init__(self, account: CashfreePayoutsAccount) -> None:
        self._account = account
        headers = headers_of(account.client_id, account.secrets[0], API_VERSION)
        self._calls = Calls(self.name, account.base_url, headers)

    async def create_beneficiary(self, wanted: NewBeneficiary) -> BeneficiaryStatus:
        """Make an account known; one that is known under the reference is read."""
        body = {
            "beneficiary_id": wanted.reference,
            "beneficiary_name": wanted.name,
            "beneficiary_instrument_details": _instrument(wanted.details),
        }
        answer = await self._calls.send("POST", "/beneficiary", content=orjson.dumps(body))
        if answer.status_code == _KNOWN:
            answer = await self._calls.send("GET", "/beneficiary", params={"beneficiary_id": wanted.reference})
        made = checked(answer)
        with readable():
            return _BENEFICIARY_STATUSES.get(made["beneficiary_status"], BeneficiaryStatus.REFUSED)

    async def send_transfer(self, request: TransferRequest) -> Transfer:
        """Send money, unless the reference is known there: after a lost answer nothing is sent before it is read."""
        known = await self._find(request.reference)
        if known is not None:
            return known
        body = {
            "transfer_id": request.reference,
            "transfer_amount": rupees(request.amount_minor),
            "transfer_currency": request.currency,
            "beneficiary_details": {"beneficiary_id": request.beneficiary},
            "transfer_remarks": request.remarks,
        }
        answer = await self._calls.send("POST", "/transfers", is_repeatable=False, content=orjson.dumps(body))
        try:
            made = checked(answer)
        except GatewayRefused:
            # Of a reference that was taken meanwhile, what is there counts.
            known = await self._find(request.reference)
            if known is None:
                raise
            return known
        with readable():
            return _transfer(made)

    async def fetch_transfer(self, reference: str) -> Transfer:
        """Read how a transfer stands."""
        found = await self._find(reference)
        if found is None:
            raise GatewayRefused("Cashfree does not know this transfer.")
        return found

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvent:
        """Check age and signature, by the rule of Cashfree's payments under the secret of the payouts."""
        check_signature(self._account.secrets, headers, body)
        return read_event(body)

    async def close(self) -> None:
        """Close connections."""
        await self._calls.close()

    async def _find(self, reference: str) -> Transfer | None:
        answer = await self._calls.send("GET", "/transfers", params={"transfer_id": reference})
        if answer.status_code == _NOT_FOUND:
            return None
        found = checked(answer)
        with readable():
            return _transfer(found)


def read_event(body: bytes) -> WebhookEvent:
    """A message in our words: it is about a transfer if it names one, and has no id but what it tells."""
    event = inbox.read_object(body)
    type_, data = inbox.text(event.get("type")), event.get("data")
    reference = inbox.optional_text(inbox.find(data, "transfer_id"))
    told = ":".join(str(inbox.find(data, name)) for name in ("transfer_id", "status", "status_code"))
    kind = EventKind.OTHER if reference is None else EventKind.PAYOUT
    about = str(event.get("event_time")) if reference is None else told
    return WebhookEvent(inbox.text(f"{type_}:{about}"), type_, reference, kind)


def _transfer(answer: Mapping[str, Any]) -> Transfer:
    status = _STATUSES.get(answer["status"], PayoutStatus.PENDING)
    reason = answer.get("status_description") or f"Cashfree says {answer['status'].lower()}."
    return Transfer(
        reference=answer["transfer_id"],
        transfer_id=str(answer["cf_transfer_id"]),
        amount_minor=paise(answer["transfer_amount"]),
        status=status,
        utr=answer.get("transfer_utr") or None,
        failure_reason=reason if status > PayoutStatus.SUCCEEDED else None,
    )


def _instrument(details: BankDetails) -> dict[str, str | None]:
    if details.vpa is not None:
        return {"vpa": details.vpa}
    return {"bank_account_number": details.account_number, "bank_ifsc": details.ifsc}
