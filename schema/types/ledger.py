"""Lots, balances explained, and movements between wallets."""

from datetime import datetime
from typing import Any

import strawberry

from schema.enums import Account, GiftStatus, LotSource, TransactionType
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.nodes import Node, id_field
from schema.types.wallets import CreditTransaction, Wallet


@published
class Lot(Node):
    """Credits given at one time. Spends use lower priorities first, then what ends earlier, then what is older."""

    sequence: BigInt
    """The transaction that gave them."""
    source: LotSource
    """Where they came from."""
    priority: int
    """Lower is used first."""
    credits: Credits
    """How many were given."""
    remaining: Credits
    """How many are left."""
    effective_at: datetime | None
    """From when they can be used; null: at once."""
    expires_at: datetime | None
    """When what is left of them ends; null: never."""
    source_id: str | None
    """The purchase, gift or wallet that they came from."""
    created_at: datetime
    """When they were given."""
    id: strawberry.ID = id_field("lot", "id")


@published
class Allocation:
    """The part of a transaction that one lot paid, or got back (negative)."""

    credits: Credits
    """How many credits."""
    source: LotSource
    """Where the lot's credits came from."""
    priority: int
    """The lot's priority."""
    expires_at: datetime | None
    """When the lot ends."""
    source_id: str | None
    """The purchase, gift or wallet that the lot came from."""
    lot_sequence: BigInt
    """The transaction that gave the lot."""

    @strawberry.field
    def lot_id(root: strawberry.Parent[Any]) -> strawberry.ID:  # noqa: N805 - the row
        """The lot."""
        return strawberry.ID(f"lot_{root.lot_id}")


@published
class TypeTotal:
    """What one kind of movement did to the available credits, in all."""

    type: TransactionType
    """The kind of movement."""
    movements: BigInt
    """How many transactions."""
    credits: Credits
    """By how much they changed the available credits."""


@published
class LotThen:
    """A lot at an instant."""

    source: LotSource
    """Where its credits came from."""
    priority: int
    """Lower is used first."""
    credits: Credits
    """How many were given."""
    remaining_then: Credits
    """How many were left at that instant."""
    expires_at: datetime | None
    """When it ends."""
    sequence: BigInt
    """The transaction that gave it."""


@published
class BalanceExplanation:
    """A balance at an instant and all that makes it up: the totals add up to it, and so do the lots."""

    at: datetime
    """The instant."""
    sequence: BigInt
    """The newest transaction then: read `transactions` from here to see each."""
    balance: Credits
    """The available credits."""
    totals: list[TypeTotal]
    """The movements up to then, by kind."""
    lots: list[LotThen]
    """The lots then, in the order in which they are used, the first 500; `lots` has them all."""


@published
class AccountBalance:
    """An account of the project's books."""

    account: Account
    """Which account."""
    debits: Credits
    """What left it."""
    credits: Credits
    """What came in."""
    balance: Credits
    """What came in less what left."""
    difference: Credits
    """By how much the wallets' own figures differ from it; 0 in right books."""


@published
class TransferPayload:
    """The movement of the wallet that gave and both wallets after it, or why it was refused."""

    transaction: CreditTransaction | None = None
    """The movement; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    to_wallet: Wallet | None = None
    """The wallet that got the credits, after the act; null when it was refused."""
    replayed: bool = False
    """Whether this key was known, so that nothing moved now."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@accepted
class TransferInput:
    """Credits to move; each keeps its expiry."""

    wallet_id: strawberry.ID
    """The wallet that gives."""
    to_wallet_id: strawberry.ID
    """The wallet that gets them."""
    credits: Credits
    """How many, 1 or more."""
    reason: str
    """Why; kept with the transaction."""
    idempotency_key: str
    """Your name for this transfer."""


@published
class Gift(Node):
    """Credits that left a wallet and wait for one that claims them."""

    credits: Credits
    """How many."""
    status: GiftStatus
    """Where it stands."""
    message: str | None
    """What the giver says."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime
    """When it goes back to the giver."""
    id: strawberry.ID = id_field("gift")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet that gave."""


@accepted
class GiftInput:
    """Credits to give away."""

    wallet_id: strawberry.ID
    """The wallet that gives."""
    credits: Credits
    """How many, 1 or more."""
    to_wallet_id: strawberry.ID | None = strawberry.UNSET
    """The only wallet that may claim it; else any of the project."""
    message: str | None = strawberry.UNSET
    """A message of at most 500 characters."""
    expires_in_seconds: int | None = 30 * 24 * 3600
    """After this long it goes back to the giver; at most a year."""
    idempotency_key: str
    """Your name for this gift."""


@published
class GiftPayload:
    """The gift and the wallet that the act changed, or why it was refused."""

    gift: Gift | None = None
    """The gift after the act; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class FreezePayload:
    """The wallet as changed, or why not."""

    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
