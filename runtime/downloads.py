"""Documents over HTTP with a key: invoices and credit notes as PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import AccessDenied
from schema.ids import parse_id
from services.invoice_files import PDF, read_pdf

if TYPE_CHECKING:
    from starlette.requests import Request

    from gateways.storage import ObjectStore
    from runtime.auth import Authenticator
    from services.coffer import Coffer


def routes(coffer: Coffer, authenticator: Authenticator, store: ObjectStore) -> list[Route]:
    """The download of an invoice; it answers a GET with an Authorization header."""

    async def invoice(request: Request) -> Response:
        caller = await authenticator.caller(request.headers.get("authorization"))
        if caller is None:
            return JSONResponse({"error": "Send a key: Authorization: Bearer ..."}, 401)
        name = request.path_params["name"]
        try:
            body = await read_pdf(coffer, store, caller.actor, parse_id("inv", name))
        except AccessDenied as refused:
            return JSONResponse({"error": refused.message}, 403)
        if body is None:
            return JSONResponse({"error": "No such invoice in this project: see `invoices`."}, 404)
        headers = {"content-disposition": f'attachment; filename="{name}.pdf"', "cache-control": "no-store"}
        return Response(body, media_type=PDF, headers=headers)

    return [Route("/invoices/{name}.pdf", invoice, methods=["GET"])]
