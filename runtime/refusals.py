"""Requests that GraphQL never saw, refused in its own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import Response

from runtime.media import chosen_type

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

CODES: Final = {
    405: "METHOD_NOT_ALLOWED",
    408: "TIMEOUT",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_CONNECTIONS",
}

LATE: Final = "The body did not arrive in time."


def refusal(request: HTTPConnection, status: int, reason: str) -> Response:
    """A request that GraphQL never saw, refused in GraphQL's own form."""
    status = 405 if "not allowed when using GET" in reason else status
    error = {"message": reason, "extensions": {"code": CODES.get(status, "BAD_REQUEST")}}
    media_type = chosen_type(request.headers.get("accept", ""))
    headers = {"allow": "POST"} if status == 405 else {}  # noqa: PLR2004 - method not allowed
    return Response(orjson.dumps({"errors": [error]}), status, headers, f"{media_type}; charset=utf-8")
