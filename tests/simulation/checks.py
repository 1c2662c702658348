"""What must be true after every run; each check raises AssertionError with what it found."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg

from db.lanes import LINKS
from db.spends import Spent
from domain.ledger import Outcome
from tests.simulation.database import START
from tests.simulation.ledger import POISON, Entry, Key, key_of, same_spend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.simulation import Put, Simulation

KEY_OUTCOMES = {Outcome.POSTED, Outcome.REPLAYED, Outcome.KEY_CONFLICT}


def check_every_rule(run: Simulation) -> None:
    """All of them."""
    committed = check_keys_are_committed_once(run)
    check_answers_are_in_the_log(run, committed)
    check_wallets_in_answers_are_true(run, committed)
    check_order(run)
    check_everybody_is_answered(run)
    check_faults_hit_their_own(run)
    check_queues_and_batches(run)
    check_listener(run, committed)


def check_keys_are_committed_once(run: Simulation) -> dict[Key, Entry]:
    """No key is in the log twice."""
    committed = {key_of(entry.request): entry for entry in run.ledger.log}
    assert len(committed) == len(run.ledger.log)
    return committed


def check_answers_are_in_the_log(run: Simulation, committed: dict[Key, Entry]) -> None:
    """An acknowledged spend has the figures of its entry; at most one answer says that it was posted just now."""
    posted: set[Key] = set()
    for said in _spent(run):
        if said.outcome not in KEY_OUTCOMES:
            continue
        key = key_of(said.request)
        entry = committed[key]
        assert (said.outcome is Outcome.KEY_CONFLICT) != same_spend(said.request, entry.request)
        figures = said.posting
        assert (entry.amount, entry.before, entry.after, entry.sequence, entry.at) == (
            figures.amount,
            figures.balance_before,
            figures.balance_after,
            figures.posted_sequence,
            figures.posted_at,
        )
        if said.outcome is Outcome.POSTED:
            assert key not in posted
            posted.add(key)


def check_wallets_in_answers_are_true(run: Simulation, committed: dict[Key, Entry]) -> None:
    """The wallet beside an answer is one that existed, with its settings, not older than the posting."""
    for said in _spent(run):
        wallet = run.ledger.wallets[said.request.wallet_id]
        assert said.wallet.id == wallet.id
        assert said.wallet.available_credits == wallet.balances[said.wallet.sequence]
        assert said.wallet.low_balance_threshold == wallet.thresholds[said.wallet.revision]
        if said.outcome is Outcome.POSTED:
            entry = committed[key_of(said.request)]
            assert said.wallet.sequence >= entry.sequence
            assert said.wallet.revision >= entry.revision


def check_order(run: Simulation) -> None:
    """What was asked for once and posted as soon as a link got it is behind nothing that arrived later."""
    newest = dict.fromkeys(run.ledger.wallets, -1)
    asked = Counter(key_of(put.request) for put in run.puts)
    for entry in run.ledger.log:
        wallet_id, key = entry.request.wallet_id, key_of(entry.request)
        arrived = run.arrived[key]
        taken_at = START + timedelta(seconds=run.taken_at[id(run.puts[arrived].request)])
        if entry.at == taken_at and asked[key] == 1:
            assert newest[wallet_id] < arrived, f"{entry} was overtaken"
        newest[wallet_id] = max(newest[wallet_id], arrived)


def check_everybody_is_answered(run: Simulation) -> None:
    """Every caller went on; from the stop on nobody waits, and there is no task and no connection."""
    assert len(run.answers) == len(run.plan.orders)
    assert run.never_served == []
    assert (run.left_waiting, run.left_tasks, run.left_open) == (0, 0, 0)


def check_faults_hit_their_own(run: Simulation) -> None:
    """Only the caller of a text that can't be stored hears of it."""
    for order, said in run.answers:
        if isinstance(said, asyncpg.CharacterNotInRepertoireError):
            assert order.feature == POISON


def check_queues_and_batches(run: Simulation) -> None:
    """Queues and batches keep their bounds; BUSY at the door means a full queue or a stop; a batch repeats no key."""
    # A batch is seen here one turn of the loop after it left the queue.
    on_their_way = LINKS * run.plan.batch_requests
    assert run.longest_queue <= run.plan.queue_requests + on_their_way
    assert max(map(len, run.batches), default=0) <= run.plan.batch_requests
    assert run.wrongly_busy == []
    assert all(len({key_of(request) for request in batch}) == len(batch) for batch in run.batches)


def check_listener(run: Simulation, committed: dict[Key, Entry]) -> None:
    """The listener hears of the log alone, and of all of it but where a lane could not tell what became of a spend."""
    heard = {key_of(spent.request) for spent in run.heard}
    untold = {key_of(put.request) for put in run.puts if not _acknowledged(put)}
    assert heard <= committed.keys()
    assert committed.keys() <= heard | untold
    posted = [key_of(spent.request) for spent in run.heard if spent.outcome is Outcome.POSTED]
    assert len(posted) == len(set(posted))


def _acknowledged(put: Put) -> bool:
    future = put.future
    if future.cancelled() or future.exception():
        return False
    return future.result().outcome in {Outcome.POSTED, Outcome.REPLAYED}


def _spent(run: Simulation) -> Iterable[Spent]:
    return (answer.said for answer in run.answers if isinstance(answer.said, Spent))
