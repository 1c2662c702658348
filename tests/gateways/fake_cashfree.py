"""A stand-in for Cashfree that remembers: orders, attempts to pay, refunds; Prism holds it to the description."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.accounts import CashfreeAccount

if TYPE_CHECKING:
    from starlette.requests import Request

CLIENT_ID, CLIENT_SECRET = "app-1", "cfsk_ma_test_1"
SESSION = "session_a1VXIPJo8kh7IBigVXX8LgTMupQW_cu25FS8KwLwQLOmiHqbBxq5"
PAGE = "https://pay.example.test/checkout/cashfree"


@dataclass
class FakeCashfree:
    """What happened at the provider; the test acts for the buyer."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    payments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    refund_status: str = "SUCCESS"
    refunded: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/orders", self._create, methods=["POST"]),
                Route("/orders/{order}", self._read),
                Route("/orders/{order}/payments", self._attempts),
                Route("/orders/{order}/refunds", self._refund, methods=["POST"]),
                Route("/orders/{order}/refunds", self._list_refunds, methods=["GET"]),
                Route("/orders/{order}/refunds/{refund}", self._read_refund),
                Route("/payments/{payment}/disputes", self._list_disputes),
                Route("/recon", self._recon, methods=["POST"]),
            ]
        )

    def attempt(self, order_id: str, status: str, **changes: object) -> None:
        """Let the buyer try to pay; no `payment_method`, whose rule even the description's own examples break."""
        order, attempts = self.orders[order_id], self.payments.setdefault(order_id, [])
        attempts.append(
            {
                "cf_payment_id": str(1_453_002_000 + len(attempts)),
                "order_id": order_id,
                "entity": "payment",
                "order_amount": order["order_amount"],
                "order_currency": "INR",
                "payment_amount": order["order_amount"],
                "payment_currency": "INR",
                "payment_group": "upi",
                "payment_status": status,
                "payment_message": "Transaction " + status.lower(),
                "payment_time": f"2026-11-21T12:00:{len(attempts):02d}+05:30",
            }
            | changes
        )
        if status == "SUCCESS":
            order["order_status"] = "PAID"

    def refund(
        self, order_id: str, refund_id: str, rupees: float, status: str = "SUCCESS", **more: object
    ) -> dict[str, Any]:
        """Begin a refund as somebody at the dashboard does."""
        self.refunds[refund_id] = {
            "cf_payment_id": self.payments[order_id][-1]["cf_payment_id"],
            "cf_refund_id": f"cf_{uuid4().hex[:8]}",
            "order_id": order_id,
            "entity": "refund",
            "refund_id": refund_id,
            "refund_amount": rupees,
            "refund_currency": "INR",
            "refund_note": "Refund of credits",
            "refund_status": status,
            "refund_splits": [],
            **more,
        }
        return self.refunds[refund_id]

    def dispute(self, order_id: str, rupees: float, status: str = "CHARGEBACK_CREATED") -> dict[str, Any]:
        """Let the buyer's bank ask for the money back."""
        payment_id = self.payments[order_id][-1]["cf_payment_id"]
        details = {"order_id": order_id, "order_currency": "INR", "order_amount": rupees, "cf_payment_id": payment_id}
        self.disputes.append(
            {
                "dispute_id": 433_447_817 + len(self.disputes),
                "dispute_type": "CHARGEBACK",
                "reason_code": "1401",
                "reason_description": "Fraud Transaction",
                "dispute_amount": rupees,
                "dispute_amount_currency": "INR",
                "created_at": "2026-11-21T11:26:58",
                "respond_by": "2026-11-28T00:00:00",
                "dispute_status": status,
                "order_details": details | {"payment_currency": "INR", "payment_amount": rupees},
            }
        )
        return self.disputes[-1]

    async def _create(self, request: Request) -> Response:
        if request.headers.get("x-client-secret") != CLIENT_SECRET:
            return _problem(401, "authentication Failed", "request_failed", "authentication_error")
        asked = await request.json()
        self.keys.append(request.headers["x-idempotency-key"])
        if asked["order_id"] in self.orders:
            message = "order with same id is already present"
            return _problem(409, message, "order_already_exists", "invalid_request_error")
        self.orders[asked["order_id"]] = asked | {
            "cf_order_id": str(2_149_460_581 + len(self.orders)),
            "entity": "order",
            "order_status": "ACTIVE",
            "payment_session_id": f"{SESSION}{len(self.orders)}",
            "created_at": "2026-11-21T12:00:00+05:30",
        }
        return JSONResponse(self.orders[asked["order_id"]])

    async def _read(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["order"])
        return JSONResponse(order) if order else _unknown("order")

    async def _attempts(self, request: Request) -> Response:
        return JSONResponse(self.payments.get(request.path_params["order"], []))

    async def _refund(self, request: Request) -> Response:
        order_id, asked = request.path_params["order"], await request.json()
        self.keys.append(request.headers["x-idempotency-key"])
        order = self.orders[order_id]
        if asked["refund_id"] in self.refunds:
            return _problem(409, "refund already exists", "refund_already_exists", "invalid_request_error")
        given = sum(refund["refund_amount"] for refund in self.refunds.values() if refund["order_id"] == order_id)
        if order["order_status"] != "PAID" or round(given + asked["refund_amount"], 2) > order["order_amount"]:
            message = "refund amount is more than the amount of the order"
            return _problem(400, message, "refund_amount_invalid", "invalid_request_error")
        more = {"refund_splits": asked.get("refund_splits", [])}
        made = self.refund(order_id, asked["refund_id"], asked["refund_amount"], self.refund_status, **more)
        self.refunded.set()
        return JSONResponse(made)

    async def _list_refunds(self, request: Request) -> Response:
        order_id = request.path_params["order"]
        return JSONResponse([refund for refund in self.refunds.values() if refund["order_id"] == order_id])

    async def _list_disputes(self, request: Request) -> Response:
        payment_id = request.path_params["payment"]
        mine = [one for one in self.disputes if one["order_details"]["cf_payment_id"] == payment_id]
        return JSONResponse(mine)

    async def _recon(self, request: Request) -> Response:
        asked = await request.json()
        self.listed.append(asked)
        limit, start = asked["pagination"]["limit"], int(asked["pagination"].get("cursor", 0))
        found = self.events[start : start + limit]
        return JSONResponse({"cursor": str(start + limit), "limit": limit, "data": found})

    async def _read_refund(self, request: Request) -> Response:
        refund = self.refunds.get(request.path_params["refund"])
        return JSONResponse(refund) if refund else _unknown("refund")


def _unknown(what: str) -> Response:
    return _problem(404, f"{what} does not exist", f"{what}_not_found", "invalid_request_error")


def _problem(status: int, message: str, code: str, kind: str) -> Response:
    return JSONResponse({"message": message, "code": code, "type": kind}, status)


def account(url: str) -> CashfreeAccount:
    """Our account there."""
    return CashfreeAccount(
        client_id=CLIENT_ID,
        secrets=[CLIENT_SECRET],
        base_url=url,
        environment="sandbox",
        checkout_url=PAGE,
        return_url="https://pay.example.test/checkout/return",
        webhook_url="https://pay.example.test/webhooks/cashfree",
    )
