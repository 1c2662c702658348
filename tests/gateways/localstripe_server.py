"""Starts localstripe, a stand-in for Stripe that others wrote, on loopback: python localstripe_server.py PORT."""

from __future__ import annotations

import sys
from typing import Any

from aiohttp import web
from localstripe import resources, server

_create = resources.PaymentIntent._api_create.__func__  # noqa: SLF001 - localstripe has no setting for either


def create(cls: Any, /, **data: Any) -> Any:  # noqa: ANN401 - localstripe's object
    """Make an intent without its description, which Stripe has and localstripe does not know."""
    data.pop("description", None)
    return _create(cls, **data)


resources.PaymentIntent._api_create = classmethod(create)  # noqa: SLF001
resources.store.dump_to_disk = lambda: None
# Its own command listens on every interface.
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda *_: None)
