"""A stand-in for Cashfree's vendors and splits, beside its orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.gateways.fake_cashfree import FakeCashfree

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request


@dataclass
class FakeSplits(FakeCashfree):
    """What Cashfree keeps of vendors and splits, beside its orders."""

    vendors: dict[str, dict[str, Any]] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    standing: str = "IN_BENE_CREATION"

    def app(self) -> Starlette:
        """Its API."""
        made = super().app()
        made.router.routes[:0] = [
            Route("/easy-split/vendors", self._know, methods=["POST"]),
            Route("/easy-split/vendors/{vendor}", self._vendor),
            Route("/easy-split/vendors/{vendor}", self._change, methods=["PATCH"]),
            Route("/easy-split/orders/{order}/split", self._split, methods=["POST"]),
        ]
        return made

    async def _know(self, request: Request) -> Response:
        asked = await request.json()
        if asked["vendor_id"] in self.vendors:
            return JSONResponse({"message": "vendor exists", "code": "vendor_exists"}, 409)
        self.vendors[asked["vendor_id"]] = asked
        return JSONResponse({"vendor_id": asked["vendor_id"], "name": asked["name"], "status": self.standing})

    async def _vendor(self, request: Request) -> Response:
        known = self.vendors[request.path_params["vendor"]]
        return JSONResponse({"vendor_id": known["vendor_id"], "name": known["name"], "status": self.standing})

    async def _change(self, request: Request) -> Response:
        asked = await request.json()
        self.vendors[request.path_params["vendor"]] |= asked
        return JSONResponse({"name": asked["name"], "status": asked["status"]})

    async def _split(self, request: Request) -> Response:
        if request.path_params["order"] not in self.orders:
            return JSONResponse({"message": "Transaction already processed", "code": "not_eligible"}, 409)
        self.split[request.headers["x-idempotency-key"]] = await request.json()
        return JSONResponse({"status": "OK", "message": "Order split created"})
