"""A stand-in for Cashfree Payouts that remembers beneficiaries and transfers; Prism holds it to the description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.accounts import CashfreePayoutsAccount

if TYPE_CHECKING:
    from starlette.requests import Request

CLIENT_ID, CLIENT_SECRET = "payouts-1", "cfsk_ma_test_payouts"


@dataclass
class FakePayouts:
    """What happened at the provider; the test acts for the bank."""

    beneficiaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    transfers: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted: int = 0
    loses_answers: bool = False
    hides: bool = False
    """Whether a transfer that is asked about is not there yet."""

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/beneficiary", self._know, methods=["POST"]),
                Route("/beneficiary", self._beneficiary),
                Route("/transfers", self._send, methods=["POST"]),
                Route("/transfers", self._transfer),
            ]
        )

    def decide(self, status: str, **changes: object) -> None:
        """Let the bank decide the one transfer."""
        for transfer in self.transfers.values():
            transfer.update({"status": status} | changes)

    async def _know(self, request: Request) -> Response:
        asked = await request.json()
        if asked["beneficiary_id"] in self.beneficiaries:
            return _problem(409, "Beneficiary already exists", "beneficiary_id_already_exists")
        if asked["beneficiary_instrument_details"].get("bank_ifsc") == "NONE0000000":
            return _problem(422, "Bank IFSC is invalid", "bank_ifsc_invalid")
        made = asked | {"beneficiary_status": "VERIFIED", "added_on": "2026-11-21T12:38:22Z"}
        self.beneficiaries[asked["beneficiary_id"]] = made
        return JSONResponse(made, 201)

    async def _beneficiary(self, request: Request) -> Response:
        return JSONResponse(self.beneficiaries[request.query_params["beneficiary_id"]])

    async def _send(self, request: Request) -> Response:
        if request.headers.get("x-client-secret") != CLIENT_SECRET:
            return _problem(403, "Invalid client id and client secret combination", "authentication_failed")
        asked = await request.json()
        self.posted += 1
        if asked["transfer_id"] in self.transfers:
            self.hides = False
            return _problem(400, "Transfer id already exists", "transfer_id_invalid")
        if asked["beneficiary_details"]["beneficiary_id"] not in self.beneficiaries:
            return _problem(404, "Beneficiary does not exist", "beneficiary_not_found")
        self.transfers[asked["transfer_id"]] = {
            "transfer_id": asked["transfer_id"],
            "cf_transfer_id": "123456",
            "status": "RECEIVED",
            "beneficiary_details": asked["beneficiary_details"],
            "transfer_amount": asked["transfer_amount"],
            "transfer_mode": "banktransfer",
            "added_on": "2026-11-21T12:38:22Z",
            "updated_on": "2026-11-21T12:38:22Z",
        }
        if self.loses_answers:
            return _problem(500, "Internal error", "internal_error")
        return JSONResponse(self.transfers[asked["transfer_id"]])

    async def _transfer(self, request: Request) -> Response:
        found = self.transfers.get(request.query_params["transfer_id"])
        if found is None or self.hides:
            return _problem(404, "transfer_id does not exist", "transfer_id_not_found")
        return JSONResponse(found)


def _problem(status: int, message: str, code: str) -> Response:
    return JSONResponse({"message": message, "code": code, "type": "invalid_request_error"}, status)


def account(url: str) -> CashfreePayoutsAccount:
    """Our account there."""
    return CashfreePayoutsAccount(CLIENT_ID, [CLIENT_SECRET], url)
