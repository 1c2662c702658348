"""HTTP calls of a provider: bounded in time, sent again after a lost answer, stopped by a circuit breaker."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import httpx

from gateways.base import GatewayUnavailable
from gateways.breaker import Breaker

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

ANSWER_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 3.0
CALL_SECONDS: Final = 25.0
"""One call with all its attempts: well within an attempt of the job that makes it."""

ATTEMPTS: Final = 3
RETRY_SECONDS: Final = 0.2
LONGEST_RETRY_SECONDS: Final = 3.0
"""A provider that asks for a longer pause gets it from the job's own retries."""

_AGAIN: Final = frozenset({408, 425, 429})


@cache
def trusted() -> ssl.SSLContext:
    """The certificates that our clients trust; loading them costs 50 ms of CPU, so they are loaded once."""
    return httpx.create_ssl_context(trust_env=False)


class Calls:
    """Sends requests to one provider."""

    def __init__(self, gateway: str, base_url: str, headers: Mapping[str, str]) -> None:
        self._breaker = Breaker(gateway)
        self._client = httpx.AsyncClient(
            base_url=base_url,
            verify=trusted(),
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers=headers,
            trust_env=False,
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        is_repeatable: bool = True,
        **request: Any,  # noqa: ANN401 - of httpx
    ) -> httpx.Response:
        """Return a 2xx, or a 4xx that won't change by asking again. GatewayUnavailable.

        What must not happen twice at a provider without idempotency keys is not repeatable: it is sent once.
        """
        with self._breaker.guard():
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    return await self._attempt(method, path, request, ATTEMPTS if is_repeatable else 1)
            except TimeoutError as fault:
                raise GatewayUnavailable("The payment provider takes too long.") from fault

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _attempt(self, method: str, path: str, request: Mapping[str, Any], attempts: int) -> httpx.Response:
        wait_seconds = 0.0
        for attempt in range(attempts):
            await asyncio.sleep(wait_seconds)
            wait_seconds = RETRY_SECONDS * 2 ** (attempt + 1) * random.random()  # noqa: S311 - jitter guards nothing
            try:
                answer = await self._client.request(method, path, **request)
            except httpx.RequestError as error:
                fault: Exception = error
                continue
            if answer.is_success or (answer.is_client_error and answer.status_code not in _AGAIN):
                return answer
            fault = httpx.HTTPStatusError(f"status {answer.status_code}", request=answer.request, response=answer)
            wait_seconds = max(wait_seconds, _asked_pause(answer))
            if wait_seconds > LONGEST_RETRY_SECONDS:
                break
        raise GatewayUnavailable("The payment provider does not answer.") from fault


def read_json(answer: httpx.Response) -> Any:  # noqa: ANN401 - whatever the provider says
    """The answer's JSON; amounts come as exact decimals. GatewayUnavailable."""
    with readable():
        return json.loads(answer.content, parse_float=Decimal)


@contextmanager
def readable() -> Iterator[None]:
    """Turn an answer that is not what the provider's API promises into GatewayUnavailable."""
    try:
        yield
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as fault:
        raise GatewayUnavailable("The payment provider's answer can't be read.") from fault


def _asked_pause(answer: httpx.Response) -> float:
    """The pause in seconds that a busy provider asks for."""
    text = answer.headers.get("retry-after") or answer.headers.get("x-ratelimit-retry") or ""
    return float(text) if text.isascii() and text.isdigit() else 0.0
