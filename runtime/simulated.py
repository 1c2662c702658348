"""HTTP of the simulated provider: its API for merchants and its page for buyers."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from domain.errors import DomainError, InvalidInput, InvalidState, NotFound
from domain.money import format_money
from domain.purchases import PaymentMethod
from gateways.simulated import merchant_key
from runtime.webhooks import read_in_time
from services import simulated_afterwards as afterwards
from services import simulated_charges as charges
from services import simulated_movements as movements
from services import simulated_payouts as payouts
from services import simulated_provider as provider
from services import simulated_subscriptions as subscriptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from db.models.payouts import SimulatedTransfer
    from db.models.purchases import SimulatedOrder
    from runtime.settings import Settings
    from services.coffer import Coffer

    Act = Callable[[Request], Awaitable[dict[str, object]]]
    Endpoint = Callable[[Request], Awaitable[Response]]

MAX_BODY_BYTES: Final = 16 * 1024
REFRESH_SECONDS: Final = 2
LONGEST_REFRESHED_DELAY_MS: Final = 10_000
"""A payment that decides itself that soon is watched by the page; with more time the buyer is left alone to choose."""

PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
METHOD_LABELS: Final = {
    PaymentMethod.UPI.name: "UPI",
    PaymentMethod.DEBIT_CARD.name: "Debit card",
    PaymentMethod.CREDIT_CARD.name: "Credit card",
    PaymentMethod.NET_BANKING.name: "Net banking",
    PaymentMethod.WALLET.name: "Wallet",
}
_STATUS_CODES: Final[dict[type[DomainError], int]] = {NotFound: 404, InvalidState: 409, InvalidInput: 422}
_ORDER_FIELDS: Final = ("id", "reference", "status", "amount_minor", "refunded_minor", "currency", "failure_reason")
_templates: Final = Jinja2Templates(Path(__file__).parent / "templates")

T = TypeVar("T", str, int, bool)


def routes(coffer: Coffer, settings: Settings) -> list[Route]:
    """Make the provider's routes."""
    key = merchant_key(settings.simulated_secret)
    return [
        *_order_routes(coffer, settings, key),
        *_charge_routes(coffer, settings, key),
        *_subscription_routes(coffer, key),
        *_transfer_routes(coffer, settings, key),
        *_split_routes(coffer, key),
        Route("/simulated/checkout/{order}", _page(coffer, settings.simulated_delay_ms), methods=["GET"]),
        Route("/simulated/checkout/{order}", _choice(coffer), methods=["POST"]),
    ]


def _order_routes(coffer: Coffer, settings: Settings, key: str) -> list[Route]:
    """What merchants may do with orders."""

    async def create(request: Request) -> dict[str, object]:
        body = await _read_json(request)
        wanted = provider.NewOrder(
            reference=_field(body, "reference", str),
            amount_minor=_field(body, "amount_minor", int),
            currency=_field(body, "currency", str),
            method=_field(body, "method", str),
            fails=_field(body, "fails", bool),
            saves_method=_field(body, "saves_method", bool),
            renews=_field(body, "renews", str) if body.get("renews") is not None else None,
        )
        order = await provider.create_order(coffer, wanted, settings.simulated_delay_ms)
        return {"id": order.id, "checkout_url": f"{settings.public_url}/simulated/checkout/{order.id}"}

    async def read(request: Request) -> dict[str, object]:
        order = await provider.read_order(coffer, request.path_params["order"])
        return _told(order)

    async def refund(request: Request) -> dict[str, object]:
        body = await _read_json(request)
        reference, amount_minor = _field(body, "reference", str), _field(body, "amount_minor", int)
        return await provider.refund_order(coffer, request.path_params["order"], reference, amount_minor)

    async def list_movements(request: Request) -> dict[str, object]:
        words = [request.query_params.get(name, "") for name in ("start", "end", "after")]
        return await movements.list_movements(coffer, *words)

    return [
        Route("/simulated/movements", _private(key, list_movements), methods=["GET"]),
        Route("/simulated/orders", _private(key, create), methods=["POST"]),
        Route("/simulated/orders/{order}", _private(key, read), methods=["GET"]),
        Route("/simulated/orders/{order}/refunds", _private(key, refund), methods=["POST"]),
    ]


def _charge_routes(coffer: Coffer, settings: Settings, key: str) -> list[Route]:
    """What merchants may do with saved methods."""

    async def charge(request: Request) -> dict[str, object]:
        body = await _read_json(request)
        wanted = charges.NewCharge(
            reference=_field(body, "reference", str),
            amount_minor=_field(body, "amount_minor", int),
            currency=_field(body, "currency", str),
            saved_method=_field(body, "saved_method", str),
        )
        return _told(await charges.charge(coffer, wanted, settings.simulated_notice_seconds))

    async def forget(request: Request) -> dict[str, object]:
        await charges.forget(coffer, request.path_params["order"])
        return {}

    return [
        Route("/simulated/charges", _private(key, charge), methods=["POST"]),
        Route("/simulated/methods/{order}", _private(key, forget), methods=["DELETE"]),
    ]


def _subscription_routes(coffer: Coffer, key: str) -> list[Route]:
    """What merchants may do with subscriptions."""

    async def read(request: Request) -> dict[str, object]:
        return await subscriptions.read(coffer, request.path_params["order"])

    async def cancel(request: Request) -> dict[str, object]:
        return await subscriptions.cancel_for_merchant(coffer, request.path_params["order"])

    path = "/simulated/subscriptions/{order}"
    return [
        Route(path, _private(key, read), methods=["GET"]),
        Route(path, _private(key, cancel), methods=["DELETE"]),
    ]


def _transfer_routes(coffer: Coffer, settings: Settings, key: str) -> list[Route]:
    """What merchants may do with the money that they send."""

    async def keep(request: Request) -> dict[str, object]:
        body = await _read_json(request)
        await payouts.create_beneficiary(
            coffer, *(_field(body, name, str) for name in ("reference", "name", "account"))
        )
        return {}

    async def send(request: Request) -> dict[str, object]:
        body = await _read_json(request)
        wanted = payouts.NewTransfer(
            reference=_field(body, "reference", str),
            beneficiary=_field(body, "beneficiary", str),
            amount_minor=_field(body, "amount_minor", int),
            currency=_field(body, "currency", str),
        )
        return _transfer(await payouts.send(coffer, wanted, settings.simulated_delay_ms))

    async def read(request: Request) -> dict[str, object]:
        return _transfer(await payouts.read(coffer, request.path_params["transfer"]))

    return [
        Route("/simulated/beneficiaries", _private(key, keep), methods=["POST"]),
        Route("/simulated/transfers", _private(key, send), methods=["POST"]),
        Route("/simulated/transfers/{transfer}", _private(key, read), methods=["GET"]),
    ]


def _split_routes(coffer: Coffer, key: str) -> list[Route]:
    """What merchants may do with parts of payments."""

    async def split(request: Request) -> dict[str, object]:
        body = await _read_json(request)
        await payouts.split(coffer, request.path_params["order"], _field(body, "amount_minor", int))
        return {}

    return [Route("/simulated/orders/{order}/splits", _private(key, split), methods=["POST"])]


def _transfer(row: SimulatedTransfer) -> dict[str, object]:
    return {"reference": row.id} | {name: getattr(row, name) for name in ("status", "amount_minor", "failure_reason")}


def _told(order: SimulatedOrder) -> dict[str, object]:
    """What the merchant may know of an order."""
    return (
        {name: getattr(order, name) for name in _ORDER_FIELDS}
        | {"saved": charges.saved_kind(order), "subscription": subscriptions.told(order)}
        | provider.reversals(order)
    )


def _private(key: str, act: Act) -> Endpoint:
    """Let only the merchant in, and answer refusals as JSON."""
    expected = f"Bearer {key}".encode()

    async def endpoint(request: Request) -> Response:
        if not secrets.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JSONResponse({"error": "Unknown merchant."}, 401)
        try:
            return JSONResponse(await act(request))
        except DomainError as error:
            return JSONResponse({"error": error.message}, _STATUS_CODES[type(error)])

    return endpoint


def _page(coffer: Coffer, delay_ms: int) -> Endpoint:
    async def page(request: Request) -> Response:
        try:
            order = await provider.read_order(coffer, request.path_params["order"])
        except NotFound:
            return _render(request, {"order": None}, 404)
        soon = order.status == "open" and delay_ms <= LONGEST_REFRESHED_DELAY_MS
        context = {
            "order": order,
            "amount": format_money(order.amount_minor, order.currency),
            "refunded": format_money(order.refunded_minor, order.currency),
            "methods": METHOD_LABELS,
            "is_open": order.status in provider.OPEN,
            "is_disputable": order.status in afterwards.DISPUTABLE,
            "period": order.renews if order.renews in provider.PERIODS else None,
            "delay_seconds": f"{delay_ms / 1000:g}",
            "refresh_seconds": REFRESH_SECONDS if soon else None,
        }
        return _render(request, context, 200)

    return page


def _choice(coffer: Coffer) -> Endpoint:
    async def choose(request: Request) -> Response:
        form = dict(parse_qsl((await _read(request)).decode(errors="replace")))
        order, action = request.path_params["order"], form.get("action", "")
        try:
            if action in afterwards.ACTIONS:
                await afterwards.act(coffer, order, action)
            else:
                await provider.act(coffer, order, action, form.get("method", ""))
        except NotFound:
            return _render(request, {"order": None}, 404)
        except (InvalidState, InvalidInput):
            # Pressed twice, or overtaken by the timer: the page shows how the order stands.
            pass
        return RedirectResponse(request.url.path, 303)

    return choose


def _render(request: Request, context: dict[str, object], status: int) -> Response:
    return _templates.TemplateResponse(request, "checkout.html", context, status, headers=PAGE_HEADERS)


async def _read(request: Request) -> bytes:
    body = await read_in_time(request, MAX_BODY_BYTES)
    if body is None:
        raise HTTPException(413)
    return body


async def _read_json(request: Request) -> dict[str, Any]:
    try:
        return dict(orjson.loads(await _read(request)))
    except (ValueError, TypeError) as fault:
        raise InvalidInput("The body is a JSON object.") from fault


def _field(body: dict[str, Any], name: str, kind: type[T]) -> T:
    value = body.get(name)
    if type(value) is not kind:
        raise InvalidInput(f"{name} is a JSON {kind.__name__}.")
    return value
