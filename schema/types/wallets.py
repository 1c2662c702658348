"""Wallets and the ledger's rows."""

from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from domain.ledger import TransactionSource
from domain.wallets import can_use_premium, is_low_balance
from schema.context import Info
from schema.enums import OwnerType, TransactionType
from schema.errors import UserError
from schema.ids import public_id
from schema.pagination import After, Connection, First, connection
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.nodes import Node, id_field


def _transaction_id(root: strawberry.Parent[Any]) -> strawberry.ID:
    """Names the object among all objects."""
    return strawberry.ID(f"{public_id('txn', root.wallet_uuid)}_{root.sequence}")


@published
class CreditTransaction(Node):
    """One immutable movement of credits."""

    sequence: BigInt
    """The transaction's place in its wallet, gap-free from 1."""
    type: TransactionType
    """Why the credits moved."""
    credits: Credits
    """How the available credits moved; negative when they went down."""
    balance_before: Credits
    """Available credits before."""
    balance_after: Credits
    """Available credits after."""
    source_id: str | None
    """The id of the purchase or hold that the movement belongs to."""
    feature: str | None
    """The feature that was used."""
    member: str | None
    """Who used it, in the caller's own words."""
    idempotency_key: str
    """The key under which the movement happened once."""
    created_at: datetime
    """When it was committed."""
    id: strawberry.ID = strawberry.field(resolver=_transaction_id)

    @strawberry.field
    def source(root: strawberry.Parent[Any]) -> str:  # noqa: N805 - Strawberry's name for the row
        """Which act wrote it: consume, purchase, grant, refund, adjustment, hold or expiry."""
        return TransactionSource(root.source).name.lower()

    @strawberry.field
    def metadata(root: strawberry.Parent[Any]) -> JSON | None:  # noqa: N805 - the row
        """What the caller attached."""
        details: JSON | None = root.details
        return details


@published
class Wallet(Node):
    """One owner's credits."""

    owner_type: OwnerType
    """What kind of owner."""
    owner_id: str
    """The owner, in the caller's own words."""
    available_credits: Credits
    """What can be spent."""
    reserved_credits: Credits
    """Set aside by holds."""
    locked_credits: Credits
    """Held back from payouts."""
    pending_credits: Credits
    """On their way in."""
    lifetime_purchased_credits: Credits
    """Bought since the wallet was opened, without bonus."""
    lifetime_used_credits: Credits
    """Spent since the wallet was opened."""
    low_balance_threshold: Credits
    """Below this many available credits the balance counts as low."""
    debt_credits: Credits
    """Refunded credits that had been spent; the next purchase pays them first."""
    burn_limit_credits: Credits | None
    """Credits in a sliding 24 h above which the wallet burns rapidly; null: never."""
    frozen: bool
    """Whether nothing may leave the wallet by its owner's will."""
    frozen_reason: str | None
    """Why it is frozen."""
    auto_recharge_enabled: bool
    """Whether the wallet buys credits by itself."""
    sequence: BigInt
    """The number of the last transaction: give it to walletUpdated(after:) to resume."""
    created_at: datetime
    """When it was opened."""
    updated_at: datetime
    """When it last changed."""
    id: strawberry.ID = id_field("wal")
    units_day: strawberry.Private[date]

    @strawberry.field
    def is_low_balance(self) -> bool:
        """Whether the available credits are below the threshold."""
        return is_low_balance(self.available_credits, self.low_balance_threshold)

    @strawberry.field
    def can_use_premium(self) -> bool:
        """Whether features that cost credits can be used."""
        return can_use_premium(self.available_credits, frozen=self.frozen)

    @strawberry.field
    def hard_limit_reached(root: strawberry.Parent[Any], info: Info) -> bool:  # noqa: N805 - the row
        """Whether some daily cap is used up today (UTC)."""
        if root.units_day < info.context.coffer.clock().date():
            return False
        used = (root.ai_units, root.webhook_units, root.email_units)
        caps = (root.ai_cap_units, root.webhook_cap_units, root.email_cap_units)
        return any(units >= cap for units, cap in zip(used, caps, strict=True))

    @strawberry.field
    async def transactions(
        root: strawberry.Parent[Any],  # noqa: N805 - the row
        info: Info,
        first: First = 50,
        after: After = strawberry.UNSET,
        types: list[TransactionType] | None = strawberry.UNSET,
    ) -> Connection[CreditTransaction]:
        """The wallet's transactions, newest first."""
        load, kinds = info.context.loaders["transactions"].load, tuple(types or ())
        return await connection(first, after, lambda page: load((root.id, kinds, page)), key="sequence")


@published
class WalletUpdate:
    """A change of a wallet."""

    wallet: Wallet
    """The wallet after it."""
    sequence: BigInt
    """Where to resume: every transaction up to here has been sent."""
    transactions: list[CreditTransaction]
    """The new transactions, oldest first."""


@published
class LowBalanceAlert:
    """A balance fell below its threshold; raised once until it was at or above it again."""

    available_credits: Credits
    """Available credits after the movement that caused it."""
    threshold: Credits
    """The threshold at that moment."""
    sequence: BigInt
    """The transaction that caused it."""
    raised_at: datetime
    """When it was committed."""
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""


@published
class RapidBurnAlert:
    """A wallet spent more in 24 h than its limit; raised once until the sum was at or below the limit again."""

    spent_credits: Credits
    """Credits spent in the 24 h before."""
    limit_credits: Credits
    """The limit at that moment."""
    sequence: BigInt
    """The transaction that caused it."""
    raised_at: datetime
    """When it was committed."""
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""


@accepted
class CreateWalletInput:
    """A wallet to open; an owner has one, so the same owner gives the same wallet."""

    owner_type: OwnerType
    """What kind of owner."""
    owner_id: str
    """The owner, in your own words; 1 to 255 characters."""
    low_balance_threshold: Credits | None = strawberry.UNSET
    """Default 200."""


@accepted
class UpdateWalletInput:
    """A wallet's settings."""

    wallet_id: strawberry.ID
    """The wallet."""
    low_balance_threshold: Credits | None = strawberry.UNSET
    """Below this many available credits the balance counts as low."""
    burn_limit_credits: Credits | None = strawberry.UNSET
    """Credits in a sliding 24 h above which the wallet burns rapidly; null: never."""


@published
class CreateWalletPayload:
    """The wallet, or why there is none."""

    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class UpdateWalletPayload:
    """The wallet as changed, or why not."""

    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


WalletIdArgument = Annotated[strawberry.ID, strawberry.argument(description="The wallet.")]
