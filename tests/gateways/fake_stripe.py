"""A stand-in for Stripe's Checkout and refunds, made of Stripe's own example objects (descriptions/stripe.json)."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.accounts import StripeAccount

if TYPE_CHECKING:
    from starlette.requests import Request

EXAMPLES = json.loads((Path(__file__).parent / "descriptions" / "stripe.json").read_text())
KEY = "sk_test_1"
PERIOD_END = 1_800_000_000
RETURN = "https://pay.example.test/checkout/return"


@dataclass
class FakeStripe:
    """What happened at the provider; the test acts for the buyer."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(default_factory=dict)
    charges: list[dict[str, Any]] = field(default_factory=list)
    refund_status: str = "succeeded"
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    invoices: dict[str, dict[str, Any]] = field(default_factory=dict)

    def app(self) -> Starlette:
        """Its API."""
        return Starlette(
            routes=[
                Route("/v1/checkout/sessions", self._create, methods=["POST"]),
                Route("/v1/checkout/sessions/{id}", self._read),
                Route("/v1/invoices", self._list_invoices),
                Route("/v1/invoices/{id}", self._invoice),
                Route("/v1/subscriptions/{id}", self._subscription, methods=["GET", "DELETE"]),
                Route("/v1/refunds", self._list_refunds, methods=["GET"]),
                Route("/v1/refunds", self._refund, methods=["POST"]),
                Route("/v1/disputes", self._list_disputes),
                Route("/v1/charges", self._list_charges),
            ]
        )

    def attempt(self, session_id: str, *, intent: str, payment_status: str, status: str, error: str | None) -> None:
        """Let the buyer try to pay."""
        session = self.sessions[session_id]
        made = example("payment_intent", id="pi_1", status=intent, amount=session["amount_total"], currency="inr")
        made |= {"metadata": session["metadata"], "last_payment_error": {"message": error} if error else None}
        made |= {"customer": "cus_1", "payment_method": "pm_1"}
        made["setup_future_usage"] = "off_session" if session["customer_creation"] == "always" else None
        session |= {"payment_intent": made, "payment_status": payment_status, "status": status}

    def subscribe(self, session_id: str) -> str:
        """Let the buyer pay for the first period; the subscription's id."""
        session, name = self.sessions[session_id], f"sub_{len(self.subscriptions)}"
        metadata = session["subscription_data"]
        made = example("subscription", id=name, status="active", metadata=metadata, cancel_at=None, ended_at=None)
        made["items"]["data"][0]["current_period_end"] = PERIOD_END
        self.subscriptions[name] = made | {"amount": session["amount_total"]}
        first = self.invoice(name, billing_reason="subscription_create")
        session |= {"subscription": name, "invoice": first, "payment_status": "paid", "status": "complete"}
        return name

    def invoice(self, subscription: str, status: str = "paid", **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Charge a period of a subscription."""
        number, of = len(self.invoices), self.subscriptions[subscription]
        paid = {"amount_paid": of["amount"]} if status == "paid" else {"amount_paid": 0}
        by = {"payment": {"type": "payment_intent", "payment_intent": f"pi_{number}"}, "status": status}
        details = {"metadata": of["metadata"], "subscription": subscription}
        words = {
            "id": f"in_{number}",
            "status": status,
            "amount_due": of["amount"],
            "currency": "inr",
            "attempt_count": 1,
        }
        words |= {"payments": {"object": "list", "data": [{"object": "invoice_payment", **by}]}}
        words |= {"parent": {"type": "subscription_details", "subscription_details": details}}
        made = example("invoice", **{"billing_reason": "subscription_cycle", **paid, **words, **changes})
        self.invoices[made["id"]] = made
        return made

    def refund(self, intent: str, amount: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        """Begin a refund as somebody at the dashboard does."""
        words = {"id": f"re_{len(self.refunds)}", "payment_intent": intent, "currency": "inr"}
        words["status"] = self.refund_status
        self.refunds.append(example("refund", amount=amount, **words | changes))
        return self.refunds[-1]

    def dispute(self, intent: str, amount: int, status: str = "needs_response") -> dict[str, Any]:
        """Let the buyer's bank ask for the money back."""
        words = {"id": f"du_{len(self.disputes)}", "payment_intent": intent, "currency": "inr", "status": status}
        self.disputes.append(example("dispute", amount=amount, **words))
        return self.disputes[-1]

    async def _create(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {KEY}":
            return problem(401, "invalid_request_error", "Invalid API Key provided")
        asked, key = await self._form(request)
        first, answer = self.answers.get(key, (asked, None))
        if first != asked:
            return problem(400, "idempotency_error", "Keys for idempotent requests can only be used with the same.")
        if answer is None:
            answer = self._session(asked)
            self.sessions[answer["id"]], self.answers[key] = answer, (asked, answer)
        return JSONResponse(answer)

    def _session(self, asked: dict[str, str]) -> dict[str, Any]:
        price = "line_items[0][price_data]"
        return example(
            "checkout.session",
            id=f"cs_test_{len(self.sessions)}",
            url=f"https://checkout.example.test/c/pay/{len(self.sessions)}",
            amount_total=int(asked[f"{price}[unit_amount]"]),
            currency=asked[f"{price}[currency]"],
            client_reference_id=asked["client_reference_id"],
            customer_creation=asked.get("customer_creation"),
            metadata={"reference": asked["metadata[reference]"]},
            payment_intent=None,
            mode=asked["mode"],
            subscription_data={"reference": asked.get("subscription_data[metadata][reference]")},
            interval=asked.get(f"{price}[recurring][interval]"),
            payment_status="unpaid",
            status="open",
        )

    async def _read(self, request: Request) -> Response:
        session = self.sessions.get(request.path_params["id"])
        assert request.query_params["expand[0]"] == "payment_intent"
        return JSONResponse(session) if session else problem(404, "invalid_request_error", "No such checkout.session")

    async def _invoice(self, request: Request) -> Response:
        return JSONResponse(self.invoices[request.path_params["id"]])

    async def _list_invoices(self, request: Request) -> Response:
        name = request.query_params["subscription"]
        of = [one for one in self.invoices.values() if one["parent"]["subscription_details"]["subscription"] == name]
        return JSONResponse({"object": "list", "data": of[::-1], "has_more": False, "url": "/v1/invoices"})

    async def _subscription(self, request: Request) -> Response:
        found = self.subscriptions[request.path_params["id"]]
        if request.method == "DELETE":
            found["status"] = "canceled"
        return JSONResponse(found)

    async def _list_refunds(self, request: Request) -> Response:
        if "payment_intent" not in request.query_params:
            return _page(request, self.refunds)
        data = [one for one in self.refunds if one["payment_intent"] == request.query_params["payment_intent"]]
        return JSONResponse({"object": "list", "data": data, "has_more": False, "url": "/v1/refunds"})

    async def _list_charges(self, request: Request) -> Response:
        return _page(request, self.charges)

    async def _refund(self, request: Request) -> Response:
        asked, _ = await self._form(request)
        if int(asked["amount"]) > 60_200 - sum(one["amount"] for one in self.refunds):
            return problem(400, "invalid_request_error", "Refund amount is greater than unrefunded amount on charge")
        metadata = {"reference": asked["metadata[reference]"]}
        return JSONResponse(self.refund(asked["payment_intent"], int(asked["amount"]), metadata=metadata))

    async def _list_disputes(self, request: Request) -> Response:
        data = [one for one in self.disputes if one["payment_intent"] == request.query_params["payment_intent"]]
        return JSONResponse({"object": "list", "data": data, "has_more": False, "url": "/v1/disputes"})

    async def _form(self, request: Request) -> tuple[dict[str, str], str]:
        asked = dict(parse_qsl((await request.body()).decode()))
        self.asked.append(asked)
        return asked, request.headers["idempotency-key"]


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    """A page of what was made in a time, the newest first."""
    asked = request.query_params
    start, end = int(asked["created[gte]"]), int(asked["created[lt]"])
    found = [one for one in reversed(rows) if start <= one["created"] < end]
    place = [one["id"] for one in found].index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
    last = place + int(asked["limit"])
    words = {"object": "list", "has_more": last < len(found), "url": request.url.path}
    return JSONResponse(words | {"data": found[place:last]})


def example(kind: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Stripe's example of an object, with some fields of our own."""
    made: dict[str, Any] = copy.deepcopy(EXAMPLES[kind])
    return made | changes


def problem(status: int, kind: str, message: str) -> Response:
    """An error in Stripe's shape."""
    return JSONResponse({"error": {"type": kind, "message": message}}, status)


def account(url: str) -> StripeAccount:
    """Our account there."""
    return StripeAccount(secret_key=KEY, secrets=["whsec_1"], base_url=url, return_url=RETURN)
