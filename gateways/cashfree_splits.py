"""Cashfree Easy Split: vendors, and the parts of orders that are settled to them; API of 2025-01-01."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson

from domain.splits import VendorStatus
from gateways.calls import readable
from gateways.cashfree_answers import rupees
from gateways.cashfree_calls import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.payouts import BankDetails
    from domain.splits import VendorDetails
    from gateways.calls import Calls
    from gateways.splits import Part

_VENDORS: Final = "/easy-split/vendors"
_KNOWN: Final = 409
_DEFAULT_CYCLE: Final = 1
"""The settlement cycle that Cashfree takes by itself."""

_STATUSES: Final = {
    "ACTIVE": VendorStatus.ACTIVE,
    "BLOCKED": VendorStatus.BLOCKED,
    "DELETED": VendorStatus.BLOCKED,
}
"""Everything else, such as IN_BENE_CREATION and ACTION_REQUIRED, is not settled that far."""


class CashfreeSplits:
    """Splits over the connection of Cashfree's payments; our reference is the vendor's id there."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def create_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Make a vendor known; one that is known under the reference is read."""
        body = _body(details) | {"vendor_id": reference, "verify_account": True, "dashboard_access": False}
        answer = await self._calls.send("POST", _VENDORS, content=orjson.dumps(body))
        if answer.status_code == _KNOWN:
            return await self.fetch_vendor(reference)
        return _read(checked(answer))

    async def update_vendor(self, reference: str, details: VendorDetails) -> VendorStatus:
        """Change what is known of a vendor."""
        body = _body(details) | {"schedule_option": _DEFAULT_CYCLE, "verify_account": True}
        return _read(checked(await self._calls.send("PATCH", _path(reference), content=orjson.dumps(body))))

    async def fetch_vendor(self, reference: str) -> VendorStatus:
        """Read how a vendor stands."""
        return _read(checked(await self._calls.send("GET", _path(reference))))

    async def split_order(self, order_id: str, reference: str, parts: Sequence[Part]) -> None:
        """Give vendors parts of a paid order; our reference is the idempotency key."""
        path = f"/easy-split/orders/{quote(order_id, safe='')}/split"
        headers = {"x-idempotency-key": str(uuid5(NAMESPACE_URL, f"{path}/{reference}"))}
        body = {"split": splits_body(parts), "disable_split": False}
        checked(await self._calls.send("POST", path, content=orjson.dumps(body), headers=headers))


def splits_body(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts as Cashfree takes them, with an order or after its payment."""
    return [{"vendor_id": part.vendor, "amount": rupees(part.amount_minor)} for part in parts]


def _path(reference: str) -> str:
    return f"{_VENDORS}/{quote(reference, safe='')}"


def _body(details: VendorDetails) -> dict[str, Any]:
    """A vendor as the documentation's examples have it."""
    papers = {"account_type": details.account_type, "business_type": details.business_type, "pan": details.pan}
    return {
        "status": "BLOCKED" if details.is_blocked else "ACTIVE",
        "name": details.name,
        "email": details.email,
        "phone": details.phone,
        "kyc_details": papers,
        **_account(details.name, details.account),
    }


def _account(holder: str, account: BankDetails) -> dict[str, Any]:
    if account.vpa is not None:
        return {"upi": {"vpa": account.vpa, "account_holder": holder}}
    bank = {"account_number": account.account_number, "account_holder": holder, "ifsc": account.ifsc}
    return {"bank": bank}


def _read(vendor: Any) -> VendorStatus:  # noqa: ANN401 - JSON
    with readable():
        return _STATUSES.get(vendor["status"], VendorStatus.PENDING)
