"""HTTP of the simulated provider: its API for merchants and its page for buyers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from domain.errors import DomainError, InvalidInput
from domain.limits import MAX_AMOUNT_MINOR
from domain.money import format_money
from domain.purchases import PaymentMethod
from services import simulated_provider as provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from runtime.settings import Settings
    from services.coffer import Coffer

PAGE_POLICY: Final = "default-src 'none'; style-src 'self'; form-action 'self'; img-src 'self'; base-uri 'none'"
METHODS: Final = [
    (method.name, method.name.replace("_", " ").capitalize().replace("Upi", "UPI")) for method in PaymentMethod
]
_templates: Final = Jinja2Templates("runtime/templates")

Endpoint = "Callable[[Request], Awaitable[Response]]"


def routes(coffer: Coffer, settings: Settings) -> list[Route]:
    """The provider's routes."""

    def private(act: Callable[[Request], Awaitable[dict[str, object]]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not secrets.compare_digest(given, f"Bearer {settings.simulated_secret}".encode()):
                return JSONResponse({"error": "Unknown merchant."}, 401)
            try:
                return JSONResponse(await act(request))
            except DomainError as error:
                return JSONResponse({"error": error.message}, 422)

        return endpoint

    async def create(request: Request) -> dict[str, object]:
        body = await request.json()
        if not 1 <= int(body["amount_minor"]) <= 2 * MAX_AMOUNT_MINOR:
            raise InvalidInput("The amount can't be paid.")
        order = await provider.create_order(coffer, {**body, "status": "open"}, settings.simulated_delay_ms)
        return {"id": order.id, "checkout_url": f"{settings.public_url}/simulated/checkout/{order.id}"}

    async def read(request: Request) -> dict[str, object]:
        order = await provider.read_order(coffer, request.path_params["order"])
        names = ("id", "reference", "status", "amount_minor", "refunded_minor", "currency", "failure_reason")
        return {name: getattr(order, name) for name in names}

    async def refund(request: Request) -> dict[str, object]:
        body = await request.json()
        order = request.path_params["order"]
        return {"id": await provider.refund_order(coffer, order, body["reference"], int(body["amount_minor"]))}

    return [
        Route("/simulated/orders", private(create), methods=["POST"]),
        Route("/simulated/orders/{order}", private(read)),
        Route("/simulated/orders/{order}/refunds", private(refund), methods=["POST"]),
        Route("/simulated/checkout/{order}", _page(coffer)),
        Route("/simulated/checkout/{order}", _choice(coffer), methods=["POST"]),
    ]


def _page(coffer: Coffer) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        try:
            order = await provider.read_order(coffer, request.path_params["order"])
        except DomainError as error:
            return Response(error.message, 404, media_type="text/plain")
        context = {
            "order": order,
            "amount": format_money(order.amount_minor, order.currency),
            "methods": METHODS,
            "is_open": order.status in provider.OPEN,
        }
        headers = {"content-security-policy": PAGE_POLICY, "cache-control": "no-store"}
        return _templates.TemplateResponse(request, "checkout.html", context, headers=headers)

    return page


def _choice(coffer: Coffer) -> Callable[[Request], Awaitable[Response]]:
    async def choose(request: Request) -> Response:
        form = await request.form()
        method = str(form.get("method", ""))
        if method not in PaymentMethod.__members__:
            return Response("Choose a method.", 422, media_type="text/plain")
        try:
            await provider.act(coffer, request.path_params["order"], str(form.get("action", "")), method)
        except DomainError as error:
            return Response(error.message, 409, media_type="text/plain")
        return RedirectResponse(request.url.path, 303)

    return choose
