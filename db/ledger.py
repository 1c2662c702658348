"""Movements that are part of a larger business transaction: the posting engine through that transaction's session."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import text

from db import transactions
from db.rows import Posting
from domain.ledger import CLIENT_KEY, Account, Outcome, TransactionSource, TransactionType, key_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping

    from db.database import Session
    from db.models.ledger import Wallet
    from db.spends import SpendRequest

_POST: Final = text(
    "select * from ledger.post(:wallet_id, cast(:type as smallint), cast(:source as smallint),"
    " cast(:from_account as smallint), cast(:to_account as smallint), :amount, :key, :key_hash, :source_id,"
    " :api_key_id, cast(:metadata as jsonb))",
)
_POST_MANY: Final = text(
    "select * from ledger.post_batch(cast(:wallet_ids as bigint[]), cast(:types as smallint[]),"
    " cast(:sources as smallint[]), cast(:from_accounts as smallint[]), cast(:to_accounts as smallint[]),"
    " cast(:amounts as bigint[]), cast(:keys as text[]), cast(:key_hashs as uuid[]), cast(:source_ids as text[]))",
)
_CALLERS: Final = frozenset({"api_key_id", "metadata"})
_HOLD: Final = text(
    "select * from ledger.hold(:wallet_id, :hold, cast(:kind as smallint), :credits, :feature, :units, :seconds, :key,"
    " :key_hash, :api_key_id, cast(:metadata as jsonb))",
)
_CAPTURE: Final = text(
    "select * from ledger.capture(:wallet_id, :hold, :credits, :units, :cap, :final, :key, :key_hash, :api_key_id)",
)
_PAY_OUT: Final = text("select * from ledger.pay_out(:wallet_id, :hold, :key, :key_hash, :api_key_id)")
_RELEASE: Final = text("select * from ledger.release(:wallet_id, :hold, :key, :key_hash, :api_key_id)")
_COLUMNS: Final = ("wallets", "keys", "hashes", "features", "units", "expected", "members", "api_keys", "metadata")
_EACH: Final = text(
    "select * from ledger.spend_each(cast(:wallets as bigint[]), cast(:keys as text[]), cast(:hashes as uuid[]),"
    " cast(:features as text[]), cast(:units as bigint[]), cast(:expected as bigint[]), cast(:members as text[]),"
    " cast(:api_keys as bigint[]), cast(cast(:metadata as text[]) as jsonb[])) order by item",
)
_REHEARSE: Final = text(
    "select * from ledger.spend(:wallet_id, :idempotency_key, :key_hash, :feature, :units,"
    " :expected_credits, :member, :api_key_id, cast(:metadata as jsonb)) s",
)


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement to post: `amount` credits from an account to another, under a key that is never used twice."""

    wallet: Wallet
    type: TransactionType
    source: TransactionSource
    route: tuple[Account, Account]
    amount: int
    key: str
    key_space: bytes = CLIENT_KEY
    source_id: str | None = None
    api_key_id: int | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """The engine's answer to a movement (type ledger.posting)."""

    outcome: Outcome
    posting: Posting

    @property
    def replayed(self) -> bool:
        """Whether the key was known and nothing moved."""
        return self.outcome == Outcome.REPLAYED


async def post(session: Session, movement: Movement) -> Posted:
    """Post a movement in the session's transaction."""
    return _posted((await session.execute(_POST, _words(movement))).mappings().one())


async def post_many(session: Session, movements: Sequence[Movement]) -> list[tuple[Outcome, int, int]]:
    """Post movements without key or metadata of a caller by one statement; outcome, wallet and sequence of each."""
    columns = {f"{name}s": list(values) for name, values in _columns(movements).items() if name not in _CALLERS}
    return [(Outcome(row[0]), row[1], row[2]) for row in await session.execute(_POST_MANY, columns)]


def _columns(movements: Sequence[Movement]) -> dict[str, list[Any]]:
    words = [_words(movement) for movement in movements]
    return {name: [one[name] for one in words] for name in words[0]}


def _words(movement: Movement) -> dict[str, Any]:
    from_account, to_account = movement.route
    return {
        "wallet_id": movement.wallet.id,
        "type": int(movement.type),
        "source": int(movement.source),
        "from_account": int(from_account),
        "to_account": int(to_account),
        "amount": movement.amount,
        "key": movement.key,
        "key_hash": UUID(bytes=key_hash(movement.key, movement.key_space)),
        "source_id": movement.source_id,
        "api_key_id": movement.api_key_id,
        "metadata": None if movement.metadata is None else json.dumps(movement.metadata),
    }


async def hold(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Set credits aside: wallet_id, hold (a uuid), kind, credits or feature and units, seconds, key and more."""
    return await keyed(session, _HOLD, parameters)


async def capture(session: Session, parameters: Mapping[str, Any]) -> Posted:
    """Spend from a hold: wallet_id, hold, credits or units (None: all that is left), cap, final, key, api_key_id."""
    return await keyed(session, _CAPTURE, parameters)


async def release(session: Session, parameters: Mapping[str, Any], space: bytes = CLIENT_KEY) -> Posted:
    """Give back what a hold has set aside: wallet_id, hold, key, api_key_id."""
    return await keyed(session, _RELEASE, parameters, space)


async def pay_out(session: Session, parameters: Mapping[str, Any], space: bytes = CLIENT_KEY) -> Posted:
    """Pay out a payout hold: wallet_id, hold, key, api_key_id."""
    return await keyed(session, _PAY_OUT, parameters, space)


async def keyed(
    session: Session,
    statement: Any,  # noqa: ANN401 - a text with parameters
    parameters: Mapping[str, Any],
    space: bytes = CLIENT_KEY,
) -> Posted:
    """Call a function of the engine that takes a key, by default of a client, and its hash."""
    hashed = UUID(bytes=key_hash(parameters["key"], space))
    return await called(session, statement, {**parameters, "key_hash": hashed})


async def called(session: Session, statement: Any, parameters: Mapping[str, Any]) -> Posted:  # noqa: ANN401
    """Call a function of the engine that answers with a posting."""
    return _posted((await session.execute(statement, parameters)).mappings().one())


async def settle(session: Session, wallet_id: int) -> None:
    """Do what has become due for the wallet: holds and lots that ended, lots that begin."""
    await session.execute(text("select 1 from ledger.lock(:wallet_id)"), {"wallet_id": wallet_id})


async def spend_each(session: Session, requests: Sequence[SpendRequest]) -> list[Posted]:
    """The engine's answers to spends, one by one in their order, in the session's transaction."""
    columns = dict(zip(_COLUMNS, (list(column) for column in zip(*requests, strict=True)), strict=True))
    return [_posted(row) for row in (await session.execute(_EACH, columns)).mappings()]


async def rehearse_spend(session: Session, request: SpendRequest) -> Posted:
    """The engine's answer to a spend; the caller rolls the session back."""
    row = await session.execute(_REHEARSE, request._asdict())
    return _posted(row.mappings().one())


async def row_of(session: Session, wallet_id: int, posted: Posted) -> Any:  # noqa: ANN401 - a row
    """The ledger's row of a posted or replayed movement."""
    return await transactions.at(session, wallet_id, posted.posting.posted_sequence)


def _posted(row: RowMapping) -> Posted:
    return Posted(Outcome(row["outcome"]), Posting._make(row.get(name) for name in Posting._fields))
