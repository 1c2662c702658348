"""A server like the real one whose provider has been paid for everything; it settles payments as well when told to."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from dataclasses import replace

import uvloop

from bench.payment_database import PaidGateway
from runtime import collector
from runtime.process import background, open_coffer
from runtime.serving import make_server
from runtime.settings import read_settings
from runtime.telemetry import configure_logs


async def main(database_url: str, redis_url: str, duty: str) -> None:
    """Serve, and work if that is the duty, until told to stop."""
    configure_logs()
    settings = read_settings()
    async with open_coffer(settings, database_url, redis_url) as opened:
        coffer = replace(opened, gateways={"simulated": PaidGateway()})
        async with background(coffer, settings) if duty == "works" else nullcontext():
            server = make_server(coffer, settings)
            async with collector.paced():
                await server.serve()
            await asyncio.sleep(0)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], sys.argv[3]))
