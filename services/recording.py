"""Recording usage: units of a metric as they are used, with a charge or without."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from db import recording as queries
from db import transactions, wallets
from db.recording import UsageRecord
from db.rows import Posting, Row
from db.spends import key_uuid
from domain.errors import DomainError, InvalidInput, UsageOutsideWindow
from domain.inputs import check_key, check_text, metadata_text
from domain.ledger import Outcome
from domain.limits import MAX_BATCH_ITEMS
from domain.metrics import check_event_units, check_time, latest_time
from domain.permissions import Actor, Permission
from live import topics
from services.announcing import announce_each
from services.outcomes import refusal
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from uuid import UUID

    from domain.pages import Page
    from services.coffer import Coffer
    from services.requests import UsageRequest


class Recorded(NamedTuple):
    """An event; for a charge its transaction and the wallet after it; `replayed` when its key was known."""

    event: Row
    replayed: bool
    transaction: Any = None
    wallet: Any = None


async def record_usage(coffer: Coffer, actor: Actor, request: UsageRequest) -> Recorded:
    """Book units of a metric on the time when they were used, and move no credits. Raises the refusal."""
    actor.require(Permission.SPEND)
    record = _record(coffer, actor, request, charged=False)
    result = _result(record, request, await coffer.database.recorder.record(record))
    if isinstance(result, DomainError):
        raise result
    await _announce(coffer, [result])
    return result


async def record_batch(coffer: Coffer, actor: Actor, requests: Sequence[UsageRequest]) -> list[Recorded | DomainError]:
    """Record many, each on its own; the answers are in the order of the requests. InvalidInput."""
    async with coffer.database.transaction() as session:
        results = await _called(coffer, actor, requests, partial(queries.record, session), charged=False)
        session.after_commit(lambda: _announce(coffer, results))
    return results


async def charge_usage(coffer: Coffer, actor: Actor, request: UsageRequest) -> Recorded:
    """Record units of a metric and spend the price of its feature for each of them. Raises the refusal."""
    result = (await charge_batch(coffer, actor, [request]))[0]
    if isinstance(result, DomainError):
        raise result
    return result


async def charge_batch(coffer: Coffer, actor: Actor, requests: Sequence[UsageRequest]) -> list[Recorded | DomainError]:
    """Charge many, each on its own, in their order. InvalidInput."""
    async with coffer.database.transaction() as session:
        results = await _called(coffer, actor, requests, partial(queries.charge, session), charged=True)
        done = [result for result in results if isinstance(result, Recorded)]
        rows = await transactions.at_each(session, [_place(result) for result in done])
        news: dict[int, int] = {}
        for wallet_id, sequence in (_place(result) for result in done if not result.replayed):
            news.setdefault(wallet_id, sequence - 1)
        found = await announce_each(coffer, session, news)
        others = {result.event.wallet_id for result in done} - found.keys()
        found |= {wallet.id: wallet for wallet in await wallets.with_ids(session, list(others))}
    return [
        result
        if isinstance(result, DomainError)
        else result._replace(transaction=rows[_place(result)], wallet=found[result.event.wallet_id])
        for result in results
    ]


async def list_events(
    coffer: Coffer, actor: Actor, wallet: UUID | None, metric: str | None, page: Page
) -> Sequence[Any]:
    """The events of a wallet, all or of one metric, the last recorded first. NotFound, InvalidInput."""
    actor.require(Permission.READ)
    if metric is not None:
        check_text(metric, "metricKey")
    async with coffer.database.reading() as session:
        found = await require_wallet(session, actor, wallet)
        return await queries.events(session, found.id, metric, page)


async def _called(
    coffer: Coffer,
    actor: Actor,
    requests: Sequence[UsageRequest],
    call: Callable[[Sequence[UsageRecord]], Awaitable[Sequence[Mapping[str, Any]]]],
    *,
    charged: bool,
) -> list[Recorded | DomainError]:
    """What became of each request: those that can be sent go in one call."""
    actor.require(Permission.SPEND)
    if not 1 <= len(requests) <= MAX_BATCH_ITEMS:
        raise InvalidInput(f"Send 1 to {MAX_BATCH_ITEMS} inputs.", field=["inputs"])
    results: list[Recorded | DomainError | None] = []
    sent: list[tuple[int, UsageRecord, UsageRequest]] = []
    for place, request in enumerate(requests):
        try:
            sent.append((place, _record(coffer, actor, request, charged=charged), request))
            results.append(None)
        except DomainError as error:
            results.append(error)
    answers = await call([record for _, record, _ in sent]) if sent else ()
    for (place, record, request), answer in zip(sent, answers, strict=True):
        results[place] = _result(record, request, answer)
    return [result for result in results if result is not None]


def _record(coffer: Coffer, actor: Actor, request: UsageRequest, *, charged: bool) -> UsageRecord:
    check_key(request.idempotency_key)
    check_text(request.metric, "metricKey")
    check_event_units(request.units, charged=charged)
    check_time(request.occurred_at)
    if request.member is not None:
        check_text(request.member, "member")
    return UsageRecord(
        coffer.clock(),
        actor.project_id,
        actor.api_key_id,
        request.wallet,
        request.metric,
        request.units,
        request.member,
        request.occurred_at,
        request.idempotency_key,
        key_uuid(request.idempotency_key),
        metadata_text(request.metadata),
        request.expected_credits,
    )


def _result(record: UsageRecord, request: UsageRequest, answer: Mapping[str, Any]) -> Recorded | DomainError:
    outcome = Outcome(answer["outcome"])
    if outcome is Outcome.OUTSIDE_WINDOW:
        return UsageOutsideWindow(answer["earliest"], latest_time(record.now))
    posting = Posting._make(answer.get(name) for name in Posting._fields)
    refused = refusal(posting, answer["feature"] or "", request.expected_credits)
    if refused is not None:
        return refused
    values = {
        "wallet_id": answer["wallet_id"],
        "wallet_uuid": request.wallet,
        "metric_key": request.metric,
        "units": request.units,
        "member": request.member,
        "occurred_at": answer["occurred_at"],
        "recorded_at": answer["recorded_at"],
        "idempotency_key": request.idempotency_key,
        "credits": answer["amount"],
        "transaction_sequence": answer["posted_sequence"],
        "details": request.metadata,
    }
    return Recorded(Row(values), outcome is Outcome.REPLAYED)


def _place(result: Recorded) -> tuple[int, int]:
    return result.event.wallet_id, result.event.transaction_sequence


async def _announce(coffer: Coffer, results: Sequence[Recorded | DomainError]) -> None:
    """Tell watchers of the wallets that something new was recorded."""
    new = {r.event.wallet_id for r in results if isinstance(r, Recorded) and not r.replayed}
    if new:
        await coffer.hub.publish_many([(topics.usage(wallet_id), b"recorded") for wallet_id in new])
