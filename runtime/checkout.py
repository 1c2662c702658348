"""Our own pages around a provider's checkout: the one that opens Cashfree's, and the one that buyers come back to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.routing import Route
from starlette.templating import Jinja2Templates

from gateways.cashfree import SDK_URL
from runtime.gateways import CASHFREE_PATH, RETURN_PATH

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from gateways.accounts import CashfreeAccount
    from runtime.settings import Settings

_PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'",
    "cache-control": "no-store",
}
_CASHFREE: Final = "https://*.cashfree.com"
_CASHFREE_HEADERS: Final = {
    "content-security-policy": f"default-src 'none'; script-src 'self' {_CASHFREE}; style-src 'self' 'unsafe-inline'; "
    f"img-src data: {_CASHFREE}; connect-src {_CASHFREE}; frame-src {_CASHFREE}; form-action {_CASHFREE}; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    # Cashfree opens its checkout only for the domains that an account has listed.
    "referrer-policy": "strict-origin",
}
_templates: Final = Jinja2Templates(Path(__file__).parent / "templates")


def routes(settings: Settings) -> list[Route]:
    """Make the pages that the configured providers need."""
    found = [Route(RETURN_PATH, _returned)]
    if settings.accounts.cashfree:
        found.append(Route(CASHFREE_PATH, _CashfreePage(settings.accounts.cashfree).show))
    return found


async def _returned(request: Request) -> Response:
    """Say nothing of success: the browser's word proves nothing, and the provider's may still be on its way."""
    return _templates.TemplateResponse(request, "returned.html", headers=_PAGE_HEADERS)


class _CashfreePage:
    """Hands the session in the address's fragment, which never reaches us, to Cashfree's script."""

    def __init__(self, account: CashfreeAccount) -> None:
        self._context = {"sdk_url": SDK_URL, "mode": account.environment}

    async def show(self, request: Request) -> Response:
        """Serve the page; it is the same for every order."""
        return _templates.TemplateResponse(request, "cashfree.html", self._context, headers=_CASHFREE_HEADERS)
