"""What callers ask for, unpacked; a wallet of None is an id that can't be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.holds import Overflow
from domain.lots import DEFAULT_PRIORITY, LotSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.caps import CapMeasure, CapPeriod
    from domain.fraud import Client
    from domain.payouts import BankDetails
    from domain.pricing import UsageCategory
    from domain.purchases import PaymentMethod
    from domain.recharges import Terms
    from domain.splits import VendorDetails
    from domain.subscriptions import BillingInterval


@dataclass(frozen=True, slots=True)
class ConsumeRequest:
    """A spend of `units` times the feature's price."""

    wallet: UUID | None
    feature: str
    units: int
    idempotency_key: str
    expected_credits: int | None = None
    member: str | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """A purchase of a pack or a custom amount (paise), exactly one of the two; with an interval again and again."""

    wallet: UUID | None
    pack_code: str | None
    amount_minor: int | None
    method: PaymentMethod
    idempotency_key: str
    gateway: str | None = None
    simulate_failure: bool = False
    saves_method: bool = False
    client: Client | None = None
    interval: BillingInterval | None = None


@dataclass(frozen=True, slots=True)
class RechargeRequest:
    """An auto-recharge to turn on; a threshold of None leaves the wallet's own."""

    wallet: UUID | None
    method: UUID | None
    threshold: int | None
    terms: Terms


@dataclass(frozen=True, slots=True)
class NewMandate:
    """A mandate to ask a customer for: at most so many paise a debit, and where the provider reaches the customer."""

    wallet: UUID | None
    limit_minor: int
    email: str
    phone: str
    idempotency_key: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class BeneficiaryRequest:
    """An account to make known, to which credits of a wallet may be paid out."""

    wallet: UUID | None
    name: str
    details: BankDetails
    idempotency_key: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutRequest:
    """Credits to pay out to a beneficiary."""

    wallet: UUID | None
    beneficiary: UUID | None
    credits: int
    reason: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """A vendor to make known or to change, and its share of every purchase."""

    details: VendorDetails
    share_basis_points: int
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class WalletSettings:
    """What to change of a wallet; a burn limit of None, when it is to change, means never."""

    low_balance_threshold: int | None = None
    burn_limit: int | None = None
    change_burn_limit: bool = False


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Credits to set aside, or `units` of a feature at its price; they go back by themselves after `seconds`."""

    wallet: UUID | None
    idempotency_key: str
    credits: int | None = None
    feature: str | None = None
    units: int = 1
    seconds: int = 3_600
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to spend of a hold: so many credits, or units at the hold's price, or all that is left."""

    hold: UUID | None
    idempotency_key: str
    credits: int | None = None
    units: int | None = None
    overflow: Overflow = Overflow.REJECT
    final: bool = True


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """Credits to give as a lot of their own; without times they are there at once and never end."""

    wallet: UUID | None
    credits: int
    reason: str
    idempotency_key: str
    source: LotSource = LotSource.BONUS
    priority: int = DEFAULT_PRIORITY
    effective_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GiftRequest:
    """Credits to give away; `to` names the only wallet that may claim them, None leaves it open."""

    wallet: UUID | None
    credits: int
    idempotency_key: str
    to: UUID | None = None
    message: str | None = None
    seconds: int = 30 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class CapRequest:
    """A cap on the spends of a wallet that match everything named."""

    wallet: UUID | None
    limit: int
    period: CapPeriod
    measure: CapMeasure
    name: str
    window_seconds: int | None = None
    member: str | None = None
    api_key: UUID | None = None
    feature: str | None = None
    category: UsageCategory | None = None


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """Units of a metric that were used, by default now; `expected_credits` is for charges alone."""

    wallet: UUID | None
    metric: str
    units: int
    idempotency_key: str
    member: str | None = None
    occurred_at: datetime | None = None
    metadata: Mapping[str, Any] | None = None
    expected_credits: int | None = None
