"""A stand-in for Polar that remembers: checkouts, orders, refunds, each with every field that is demanded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.subscriptions import BillingInterval
from gateways.accounts import PolarAccount

if TYPE_CHECKING:
    from starlette.requests import Request

DESCRIPTION = json.loads((Path(__file__).parent / "descriptions" / "polar.json").read_text())
SCHEMAS = DESCRIPTION["components"]["schemas"]
TOKEN = "polar_oat_test"  # noqa: S105 - of a stand-in
PRODUCT, MONTHLY = str(uuid4()), str(uuid4())
SAMPLES = {"string": "text", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}, "null": None}
FORMATS = {"uuid4": "0b0e2d0a-5a52-4f3c-9d0c-6f0f0e6f0a11", "date-time": "2026-11-21T12:00:00Z"}
RETURN = "https://pay.example.test/checkout/return"


@dataclass
class FakePolar:
    """What happened at the provider; the test acts for the buyer."""

    checkouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: list[dict[str, str]] = field(default_factory=list)
    refund_status: str = "succeeded"
    loses_answers: bool = False
    refuses: tuple[int, str, str] | None = None

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/v1/checkouts/", self._create, methods=["POST"]),
                Route("/v1/checkouts/{id}", self._read),
                Route("/v1/orders/", self._list_orders, methods=["GET"]),
                Route("/v1/orders/", self._draft, methods=["POST"]),
                Route("/v1/orders/{id}", self._order),
                Route("/v1/orders/{id}/finalize", self._finalize, methods=["POST"]),
                Route("/v1/subscriptions/{id}", self._subscription, methods=["GET", "DELETE"]),
                Route("/v1/refunds/", self._list_refunds, methods=["GET"]),
                Route("/v1/refunds/", self._refund, methods=["POST"]),
                Route("/v1/disputes/", self._list_disputes),
            ]
        )

    def pay(self, checkout_id: str, status: str = "paid", /, **changes: object) -> str:
        """Let the buyer pay; the id of the order."""
        checkout = self.checkouts[checkout_id]
        checkout["status"] = "succeeded"
        net = checkout["net_amount"]
        amounts = {"subtotal_amount": net, "net_amount": net, "tax_amount": net // 5, "total_amount": net + net // 5}
        words = {"id": str(uuid4()), "checkout_id": checkout_id, "status": status, "currency": checkout["currency"]}
        order = sample(SCHEMAS["Order"]) | words | amounts | {"refundable_amount": net}
        self.orders.append(order | {"metadata": checkout["metadata"]} | changes)
        return str(words["id"])

    def subscribe(self, checkout_id: str) -> str:
        """Let the buyer pay for the first period; the subscription's id."""
        words = {"id": str(uuid4()), "status": "active", "metadata": self.checkouts[checkout_id]["metadata"]}
        words |= {"current_period_end": "2027-01-15T08:00:00Z", "checkout_id": checkout_id}
        self.subscriptions[words["id"]] = sample(SCHEMAS["Subscription"]) | words
        self.pay(checkout_id, subscription_id=words["id"], billing_reason="subscription_create")
        return str(words["id"])

    def renew(self, subscription: str, **changes: object) -> str:
        """Charge a period of a subscription; the id of the order."""
        made = dict(self.subscriptions[subscription])
        reason = {"billing_reason": "subscription_cycle", "subscription_id": subscription, "metadata": {}}
        of = {
            "checkout_id": None,
            "subscription": sample(SCHEMAS["OrderSubscription"]) | {"metadata": made["metadata"]},
        }
        return self.pay(made["checkout_id"], **reason | of | changes)

    def refund(self, order_id: str, amount: int, **changes: object) -> dict[str, Any]:
        """Begin a refund as somebody at the dashboard does."""
        words = {"id": str(uuid4()), "status": self.refund_status, "amount": amount, "order_id": order_id}
        words |= {"currency": "inr", "metadata": {}, "reason": "customer_request"}
        self.refunds.append(sample(SCHEMAS["Refund"]) | words | changes)
        return self.refunds[-1]

    def dispute(self, order_id: str, amount: int, status: str = "needs_response") -> dict[str, Any]:
        """Let the buyer's bank ask for the money back."""
        words = {"id": str(uuid4()), "status": status, "amount": amount, "currency": "inr", "order_id": order_id}
        self.disputes.append(sample(SCHEMAS["Dispute"]) | words | {"evidence_due_by": FORMATS["date-time"]})
        return self.disputes[-1]

    async def _create(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {TOKEN}":
            return problem(401, "Unauthorized", "Authentication required")
        asked = await request.json()
        self.asked.append(asked)
        [price] = asked["prices"][asked["products"][0]]
        words = {"id": str(uuid4()), "status": "open", "metadata": asked["metadata"], "currency": asked["currency"]}
        words |= {"amount": price["price_amount"], "net_amount": price["price_amount"]}
        words["url"] = f"https://polar.example.test/checkout/{words['id']}"
        self.checkouts[words["id"]] = sample(SCHEMAS["Checkout"]) | words
        return JSONResponse(self.checkouts[words["id"]], 201)

    async def _read(self, request: Request) -> Response:
        checkout = self.checkouts.get(request.path_params["id"])
        return JSONResponse(checkout) if checkout else problem(404, "ResourceNotFound", "Not found")

    async def _list_orders(self, request: Request) -> Response:
        asked = request.query_params
        if "metadata[reference]" in asked:
            found = [one for one in self.orders if one["metadata"]["reference"] == asked["metadata[reference]"]]
        elif "subscription_id" in asked:
            found = [one for one in self.orders if one["subscription_id"] == asked["subscription_id"]][::-1]
        elif "checkout_id" in asked:
            found = [one for one in self.orders if one["checkout_id"] == asked["checkout_id"]]
        else:
            span = (asked["created_after"], asked["created_before"])
            return self._page(request, [one for one in self.orders if span[0] < one["created_at"] < span[1]])
        return page(found)

    async def _subscription(self, request: Request) -> Response:
        found = self.subscriptions[request.path_params["id"]]
        if request.method == "DELETE":
            found |= {"status": "canceled", "ended_at": "2026-12-01T08:00:00Z"}
        return JSONResponse(found)

    async def _draft(self, request: Request) -> Response:
        asked = await request.json()
        words = {"id": str(uuid4()), "status": "draft", "currency": asked["currency"], "checkout_id": None}
        words |= {"net_amount": asked["amount"], "metadata": asked["metadata"], "customer_id": asked["customer_id"]}
        self.orders.append(sample(SCHEMAS["Order"]) | words)
        return JSONResponse(self.orders[-1], 201)

    async def _order(self, request: Request) -> Response:
        return JSONResponse(self._find(request))

    async def _finalize(self, request: Request) -> Response:
        order = self._find(request)
        if self.refuses:
            return problem(*self.refuses)
        if order["status"] != "draft":
            return problem(412, "OrderNotDraft", "The order is not a draft.")
        order["status"] = "paid"
        return Response(status_code=502) if self.loses_answers else JSONResponse(order)

    def _find(self, request: Request) -> dict[str, Any]:
        return next(order for order in self.orders if order["id"] == request.path_params["id"])

    async def _list_refunds(self, request: Request) -> Response:
        if "order_id" not in request.query_params:
            return self._page(request, sorted(self.refunds, key=lambda one: str(one["created_at"]), reverse=True))
        return page([one for one in self.refunds if one["order_id"] == request.query_params["order_id"]])

    def _page(self, request: Request, found: list[dict[str, Any]]) -> Response:
        self.pages.append(dict(request.query_params))
        limit, number = (int(request.query_params[name]) for name in ("limit", "page"))
        return page(found[limit * (number - 1) : limit * number], -(-len(found) // limit))

    async def _refund(self, request: Request) -> Response:
        asked = await request.json()
        [order] = [order for order in self.orders if order["id"] == asked["order_id"]]
        if order["refundable_amount"] < asked["amount"]:
            return problem(403, "RefundedAlready", "Order is already fully refunded.")
        order["refundable_amount"] -= asked["amount"]
        made = self.refund(order["id"], asked["amount"], reason=asked["reason"], metadata=asked["metadata"])
        if self.loses_answers:
            return Response(status_code=502)
        return JSONResponse(made, 201)

    async def _list_disputes(self, request: Request) -> Response:
        return page([one for one in self.disputes if one["order_id"] == request.query_params["order_id"]])


def sample(schema: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The smallest value that a schema admits."""
    if "$ref" in schema:
        return sample(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return None if {"type": "null"} in schema[choice] else sample(schema[choice][0])
    if "properties" in schema:
        return {name: sample(schema["properties"][name]) for name in schema.get("required", [])}
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    return FORMATS.get(schema.get("format", ""), SAMPLES[schema["type"]])


def page(items: list[dict[str, Any]], pages: int = 1) -> Response:
    """A page of a list."""
    return JSONResponse({"items": items, "pagination": {"total_count": len(items), "max_page": pages}})


def problem(status: int, error: str, detail: str) -> Response:
    """An error in Polar's shape."""
    return JSONResponse({"error": error, "detail": detail}, status)


def account(url: str) -> PolarAccount:
    """Our account there."""
    return PolarAccount(
        access_token=TOKEN,
        secrets=["whsec_1"],
        base_url=url,
        product_id=PRODUCT,
        return_url=RETURN,
        subscription_products={BillingInterval.MONTH: MONTHLY},
    )
