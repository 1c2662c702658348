"""What a spend asks of the posting engine and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811 - several times faster to make than uuid.UUID

from db.rows import Posting, Row, posted_row
from domain.ledger import Account, Outcome, TransactionSource, TransactionType, key_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import asyncpg


def key_uuid(key: str) -> UUID:
    """The hash under which a wallet remembers a client's key, as the database's uuid."""
    return DriverUUID(key_hash(key))


class SpendRequest(NamedTuple):
    """One spend, in the order of the parameters of ledger.spend; `metadata` is JSON text."""

    wallet_id: int
    idempotency_key: str
    key_hash: UUID
    feature: str
    units: int
    expected_credits: int | None
    member: str | None
    api_key_id: int | None
    metadata: str | None


class Spent(NamedTuple):
    """The engine's answer: the posting and the wallet as its batch left it."""

    request: SpendRequest
    posting: Posting
    wallet: Row

    @property
    def outcome(self) -> Outcome:
        """Posted, replayed, or why it was refused."""
        return Outcome(self.posting.outcome)

    def transaction(self, metadata: Mapping[str, Any] | None) -> Row:
        """The ledger's row of a posted or replayed spend, as a query would read it."""
        request = self.request
        words = {
            "type": TransactionType.USAGE_DEDUCTION,
            "source": TransactionSource.CONSUME,
            "from_account": Account.AVAILABLE,
            "to_account": Account.USAGE_REVENUE,
            "units": request.units,
            "idempotency_key": request.idempotency_key,
            "feature": request.feature,
            "member": request.member,
            "api_key_id": request.api_key_id,
            "details": metadata,
        }
        return posted_row(self.wallet, self.posting, words)


def answered_alone(request: SpendRequest, row: asyncpg.Record) -> Spent:
    """The answer of ledger.spend or of an item of ledger.spend_each (type ledger.spent)."""
    return Spent(request, Posting._make((*row[1:11], None, *row[11:14])), Row(dict(row[14] or ())))


def answered_together(
    requests: Sequence[SpendRequest], batch: asyncpg.Record, wallets: Mapping[int, Row]
) -> list[Spent | None]:
    """The answers of ledger.spend_batch (type ledger.spent_batch), None where it left an item out."""
    answers: list[Spent | None] = [None] * len(requests)
    at = batch["posted_at"]
    columns = (batch[name] for name in ("items", "amounts", "befores", "sequences", "categories", "versions"))
    for item, amount, before, sequence, category, version in zip(*columns, strict=True):
        request = requests[item - 1]
        figures = (amount, before, before - amount, sequence, at, category, version, None)
        answers[item - 1] = Spent(request, Posting(0, amount, None, *figures), wallets[request.wallet_id])
    return answers
