"""A stand-in for Cashfree's mandates that remembers; Cashfree's own library holds it to the official models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

SESSION = "sub_session_1"
TOLD = ("subscription_id", "customer_details", "plan_details", "subscription_meta")
UNTOLD = ("payment_schedule_date", "payment_remarks")


@dataclass
class FakeMandates:
    """What Cashfree keeps of mandates, debits and refunds, by our ids; the test acts for buyer and bank."""

    mandates: dict[str, dict[str, Any]] = field(default_factory=dict)
    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    loses_answers: bool = False

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/subscriptions", self._create, methods=["POST"]),
                Route("/subscriptions/pay", self._pay, methods=["POST"]),
                Route("/subscriptions/{id}", self._mandate),
                Route("/subscriptions/{id}/manage", self._manage, methods=["POST"]),
                Route("/subscriptions/{id}/payments/{payment}", self._charge),
                Route("/subscriptions/{id}/refunds", self._refund, methods=["POST"]),
                Route("/subscriptions/{id}/refunds/{refund}", self._read_refund),
            ]
        )

    async def _create(self, request: Request) -> Response:
        asked = await request.json()
        if asked["subscription_id"] in self.mandates:
            return _refused("subscription already exists")
        named = {
            name: asked[name] for name in ("subscription_id", "customer_details", "plan_details", "subscription_meta")
        }
        self.mandates[asked["subscription_id"]] = named | {
            "authorisation_details": asked["authorization_details"],
            "cf_subscription_id": "12341",
            "subscription_session_id": SESSION,
            "subscription_status": "INITIALIZED",
        }
        return JSONResponse(self.mandates[asked["subscription_id"]])

    async def _pay(self, request: Request) -> Response:
        asked = await request.json()
        if asked["payment_id"] in self.charges:
            return _refused("payment already exists")
        self.charges[asked["payment_id"]] = asked | {"payment_status": "INITIALIZED", "cf_payment_id": "77"}
        if self.loses_answers:
            return Response(status_code=502)
        untold = ("payment_schedule_date", "payment_remarks")
        return JSONResponse(
            {name: one for name, one in self.charges[asked["payment_id"]].items() if name not in untold}
        )

    async def _mandate(self, request: Request) -> Response:
        return JSONResponse(self.mandates[request.path_params["id"]])

    async def _charge(self, request: Request) -> Response:
        return _found(self.charges.get(request.path_params["payment"]))

    async def _refund(self, request: Request) -> Response:
        asked = await request.json()
        if asked["refund_id"] in self.refunds:
            return _refused("refund already exists")
        told = {"cf_payment_id": "77", "cf_refund_id": "r-1", "refund_status": "INITIALIZED"}
        del asked["subscription_id"]
        self.refunds[asked["refund_id"]] = asked | told
        return JSONResponse(self.refunds[asked["refund_id"]])

    async def _read_refund(self, request: Request) -> Response:
        return _found(self.refunds.get(request.path_params["refund"]))

    async def _manage(self, request: Request) -> Response:
        mandate = self.mandates[request.path_params["id"]]
        if mandate["subscription_status"] == "CANCELLED":
            return _refused("subscription is cancelled already")
        mandate["subscription_status"] = "CANCELLED"
        return JSONResponse(mandate)


def _found(known: dict[str, Any] | None) -> Response:
    return JSONResponse(known) if known else _refused("there is no such thing", 404)


def _refused(message: str, status: int = 400) -> Response:
    return JSONResponse({"message": message, "code": "request_failed", "type": "invalid_request_error"}, status)
