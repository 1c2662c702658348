"""Webhook intake over HTTP: what is stored, what is refused, and that nothing happens twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette

from db import events as queries
from db import jobs as job_queries
from domain.jobs import Queue
from runtime import webhooks
from runtime.webhooks import MAX_BODY_BYTES
from services.simulated_provider import signed_headers
from tests.builders import SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.models.jobs import Job
    from services.coffer import Coffer

URL = "/webhooks/simulated"
BODY = b'{"type": "payment.succeeded", "data": {"order_id": "sim_1", "amount": 602.00}}'
CHUNK = b" " * 16_384


@pytest.fixture
async def client(coffer: Coffer) -> AsyncIterator[httpx.AsyncClient]:
    """A sender of webhooks."""
    transport = httpx.ASGITransport(Starlette(routes=webhooks.routes(coffer)))
    async with httpx.AsyncClient(transport=transport, base_url="http://coffer") as opened:
        yield opened


def signed(event_id: str = "msg_1", body: bytes = BODY, *, secret: str = SECRET) -> dict[str, str]:
    return signed_headers(secret, event_id, body)


async def waiting(coffer: Coffer) -> list[Job]:
    """The jobs that intake has asked for."""
    async with coffer.database.transaction() as session:
        return list(await job_queries.claim(session, coffer.clock(), 100))


def counted(result: str) -> float:
    labels = {"gateway": "simulated", "result": result}
    return REGISTRY.get_sample_value("coffer_webhooks_total", labels) or 0.0


async def test_a_webhook_is_stored_with_its_job(coffer: Coffer, client: httpx.AsyncClient) -> None:
    """A good message is answered with 200, kept to the byte, and one job is to act on it."""
    answer = await client.post(URL, content=BODY, headers=signed())
    [job] = await waiting(coffer)
    async with coffer.database.reading() as session:
        event = await queries.get(session, job.payload["event"])
    assert answer.status_code == 200
    assert event is not None
    assert (event.gateway, event.event_id, event.type, event.order_id, event.body, event.processed_at) == (
        ("simulated", "msg_1", "payment.succeeded", "sim_1", BODY, None)
    )
    assert (job.queue, job.kind) == (Queue.WEBHOOK_PROCESSING, "gateway.event")


async def test_a_repeated_webhook_is_answered_and_makes_no_second_job(
    coffer: Coffer, client: httpx.AsyncClient
) -> None:
    """A provider that sends an event again, signed anew, gets 200, and there is one job."""
    before = counted("duplicate")
    answers = [await client.post(URL, content=BODY, headers=signed()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(await waiting(coffer)) == 1
    assert counted("duplicate") - before == 2


async def test_the_same_webhook_at_once_makes_one_job(coffer: Coffer, client: httpx.AsyncClient) -> None:
    """Ten deliveries of one event at the same time are all answered with 200 and make one job."""
    headers = signed()
    answers = await asyncio.gather(*(client.post(URL, content=BODY, headers=headers) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await waiting(coffer)) == 1


async def test_events_of_one_order_are_kept_apart(coffer: Coffer, client: httpx.AsyncClient) -> None:
    """Two events of one order are two jobs, in whatever order they come."""
    for event_id in ("msg_2", "msg_1"):
        await client.post(URL, content=BODY, headers=signed(event_id))
    assert len(await waiting(coffer)) == 2


async def test_a_bad_webhook_is_counted_and_asks_for_no_job(coffer: Coffer, client: httpx.AsyncClient) -> None:
    """A refusal is counted under its reason, and nothing is to be done; tests/gateways has every kind of refusal."""
    before = counted("bad_signature")
    answer = await client.post(URL, content=BODY, headers=signed(secret="forged"))  # noqa: S106 - not a secret
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_signature"})
    assert counted("bad_signature") - before == 1
    assert await waiting(coffer) == []


async def test_a_webhook_for_an_unknown_gateway_is_not_found(client: httpx.AsyncClient) -> None:
    """A path that names no gateway is 404, whatever is sent there."""
    answer = await client.post("/webhooks/nobody", content=BODY, headers=signed())
    assert answer.status_code == 404


async def test_an_oversized_webhook_is_not_read_to_its_end(coffer: Coffer, client: httpx.AsyncClient) -> None:
    """A body over the limit gets 413 as soon as the limit is passed, though it never says how long it is."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += len(CHUNK)
            yield CHUNK

    answer = await client.post(URL, content=endless(), headers=signed())
    assert (answer.status_code, answer.json()) == (413, {"error": "too_large"})
    assert sent <= MAX_BODY_BYTES + len(CHUNK)
    assert await waiting(coffer) == []


async def test_a_webhook_that_never_ends_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that stops in the middle of a body gets 408 after BODY_SECONDS."""
    monkeypatch.setattr(webhooks, "BODY_SECONDS", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield BODY
        await asyncio.Event().wait()

    answer = await client.post(URL, content=stuck(), headers=signed())
    assert answer.status_code == 408


async def test_a_webhook_is_posted(client: httpx.AsyncClient) -> None:
    """Other methods are refused."""
    assert (await client.get(URL)).status_code == 405
