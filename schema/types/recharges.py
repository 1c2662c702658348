"""Saved payment methods and auto-recharge."""

from datetime import datetime
from typing import Any

import strawberry

from schema.context import Info
from schema.enums import MethodKind, MethodStatus, RechargeState
from schema.errors import UserError
from schema.ids import public_id
from schema.pagination import After, Connection, First, connection
from schema.publishing import accepted, published
from schema.scalars import BigInt, Credits
from schema.types.money import Money, money_field
from schema.types.nodes import id_field


@published
class SavedMethod:
    """A payment method that its owner lets Coffer charge again; the provider keeps its number."""

    gateway: str
    """The payment provider that has it."""
    label: str
    """How it was first paid with, such as CREDIT_CARD."""
    kind: MethodKind
    """What it allows."""
    status: MethodStatus
    """Whether it can be charged."""
    approval_url: str | None
    """The provider's page where the customer approves it, while it is PENDING."""
    created_at: datetime
    """When it was saved."""
    id = id_field("pm")
    """Names the method."""
    wallet_id = id_field("wal", "wallet_uuid")
    """The wallet that it may be charged for."""


@published
class RechargeAttempt:
    """One attempt of a wallet to buy credits by itself."""

    state: RechargeState
    """Where it stands."""
    failure_reason: str | None
    """Why it failed or was skipped."""
    approval_url: str | None
    """The page where the customer approves it, while it is AWAITING_APPROVAL."""
    created_at: datetime
    """When it began."""
    finished_at: datetime | None
    """When it was decided."""
    id = id_field("rch")
    """Names the attempt."""

    @strawberry.field
    def purchase_id(root: strawberry.Parent[Any]) -> strawberry.ID | None:  # noqa: N805 - the row
        """The purchase that it made, if it was not skipped."""
        return strawberry.ID(public_id("pur", root.purchase_uuid)) if root.purchase_uuid else None

    amount = money_field("amount_minor")
    """The price of the credits."""
    total = money_field("total_minor")
    """What is charged, tax and fee included."""


@published
class AutoRecharge:
    """How a wallet buys credits by itself when a spend takes it below its threshold."""

    method: SavedMethod
    """What is charged."""
    wallet_id = id_field("wal", "wallet.uuid")
    """The wallet."""

    @strawberry.field
    def enabled(root: strawberry.Parent[Any]) -> bool:  # noqa: N805 - the row
        """Whether it is on."""
        return bool(root.settings.enabled)

    @strawberry.field
    def threshold_credits(root: strawberry.Parent[Any]) -> Credits:  # noqa: N805 - the row
        """Below it the wallet buys: the wallet's own low-balance threshold."""
        return Credits(root.wallet.low_balance_threshold)

    @strawberry.field
    def amount(root: strawberry.Parent[Any]) -> Money | None:  # noqa: N805 - the row
        """What each recharge buys for; null when it fills up to a target."""
        amount_minor = root.settings.amount_minor
        return None if amount_minor is None else Money(amount_minor=amount_minor, currency="INR")

    @strawberry.field
    def target_credits(root: strawberry.Parent[Any]) -> Credits | None:  # noqa: N805 - the row
        """How far each recharge fills the wallet."""
        target = root.settings.target_credits
        return None if target is None else Credits(target)

    monthly_limit = money_field("settings.monthly_limit_minor", "INR")
    """The most that the recharges of one month (UTC) cost, tax and fee included."""
    spent_this_month = money_field("spent_minor", "INR")
    """What the recharges of this month cost, one under way included."""

    @strawberry.field
    def cool_off_seconds(root: strawberry.Parent[Any]) -> BigInt:  # noqa: N805 - the row
        """The least time between two recharges."""
        return BigInt(root.settings.cool_off_seconds)

    @strawberry.field
    def failures(root: strawberry.Parent[Any]) -> BigInt:  # noqa: N805 - the row
        """Declines in a row; after the fourth it turns itself off."""
        return BigInt(root.settings.failures)

    @strawberry.field
    def retry_at(root: strawberry.Parent[Any]) -> datetime | None:  # noqa: N805 - the row
        """When it tries again after a decline, or after the monthly limit was reached."""
        retry_at: datetime | None = root.settings.retry_at
        return retry_at

    @strawberry.field
    def disabled_reason(root: strawberry.Parent[Any]) -> str | None:  # noqa: N805 - the row
        """Why it turned itself off; null when its owner did."""
        reason: str | None = root.settings.disabled_reason
        return reason

    @strawberry.field
    def in_flight(root: strawberry.Parent[Any]) -> RechargeAttempt | None:  # noqa: N805 - the row
        """The attempt that is under way: there is never more than one."""
        attempt: Any = root.open
        return attempt  # type: ignore[no-any-return]

    @strawberry.field
    async def attempts(
        root: strawberry.Parent[Any],  # noqa: N805 - the row
        info: Info,
        first: First = 50,
        after: After = strawberry.UNSET,
    ) -> Connection[RechargeAttempt]:
        """Every attempt, newest first."""
        load = info.context.loaders["recharges"].load
        return await connection(first, after, lambda page: load((root.wallet.id, page)))


@accepted
class EnableAutoRechargeInput:
    """How a wallet is to buy credits by itself: send an amount or a target."""

    wallet_id: strawberry.ID
    """The wallet."""
    saved_method_id: strawberry.ID
    """One of its `savedMethods`."""
    threshold_credits: Credits | None = strawberry.UNSET
    """Buy when the balance falls below it; this is the wallet's low-balance threshold, and stays it without a value."""
    amount_minor: BigInt | None = strawberry.UNSET
    """What each recharge buys for in paise, 15,000 or more."""
    target_credits: Credits | None = strawberry.UNSET
    """Fill the wallet up to so many credits, for 15,000 paise or more."""
    monthly_limit_minor: BigInt
    """The most that the recharges of one month (UTC) cost in paise, tax and fee included."""
    cool_off_seconds: BigInt | None = strawberry.UNSET
    """The least time between two recharges, an hour by default."""


@accepted
class CreateMandateInput:
    """A mandate to ask a customer for."""

    wallet_id: strawberry.ID
    """The wallet that it may be charged for."""
    limit_minor: BigInt
    """The most that one debit may be in paise, tax and fee included: 1,500,000 at most."""
    email: str
    """Where the provider writes to the customer."""
    phone: str
    """The customer's number, ten digits."""
    idempotency_key: str
    """Your name for this mandate."""
    gateway: str | None = strawberry.UNSET
    """The payment provider; the first configured one by default."""


@published
class AutoRechargePayload:
    """The auto-recharge, or why nothing was done."""

    auto_recharge: AutoRecharge | None = None
    """The auto-recharge after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class SavedMethodPayload:
    """The saved method, or why nothing was done."""

    saved_method: SavedMethod | None = None
    """The method after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
