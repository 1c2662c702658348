"""What callers ask for, unpacked; a wallet of None is an id that can't be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from domain.purchases import PaymentMethod


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
    """A purchase of a pack or a custom amount (paise), exactly one of the two."""

    wallet: UUID | None
    pack_code: str | None
    amount_minor: int | None
    method: PaymentMethod
    idempotency_key: str
    gateway: str | None = None
    simulate_failure: bool = False
