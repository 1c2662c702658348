"""Splits: which part of a purchase's money a payment provider settles to vendors instead of the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput
from domain.inputs import check_text
from domain.payouts import check_details

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.payouts import BankDetails

ALL_BASIS_POINTS: Final = 10_000
MAX_SPLIT_VENDORS: Final = 20
"""Vendors that one purchase is split among."""

_PHONE: Final = re.compile(r"[0-9]{10}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_PAN: Final = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]")


class VendorStatus(IntEnum):
    """Whether money can be settled to a vendor."""

    PENDING = 1
    """The provider is checking the account or the papers, or wants something: see its dashboard."""
    ACTIVE = 2
    """Money is settled."""
    BLOCKED = 3
    """Nothing is settled: the project or the provider blocked the vendor."""


class SplitStatus(IntEnum):
    """Where a split stands."""

    PLANNED = 1
    """It went with the order, and counts when the order is paid."""
    REQUESTED = 2
    """The provider is asked to split a paid order."""
    DONE = 3
    """The provider settles that part to the vendor."""
    FAILED = 4
    """The provider refused it; the money stays with the project."""


@dataclass(frozen=True, slots=True)
class VendorDetails:
    """What a provider has to know of a vendor; Coffer passes it on and keeps name, e-mail and the account's label."""

    name: str
    email: str
    phone: str
    account: BankDetails
    account_type: str
    business_type: str
    pan: str
    is_blocked: bool = False


def check_vendor(details: VendorDetails, share_basis_points: int) -> None:
    """Raise InvalidInput unless a provider may take the details, and the share is one."""
    for field, value in (("name", details.name), ("accountType", details.account_type)):
        check_text(value, field)
    check_text(details.business_type, "businessType")
    check_details(details.account)
    for pattern, value, field, meaning in (
        (_EMAIL, details.email, "email", "an address"),
        (_PHONE, details.phone, "phone", "ten digits"),
        (_PAN, details.pan, "pan", "a PAN such as ABCDE1234F"),
    ):
        if not pattern.fullmatch(value):
            raise InvalidInput(f"{field} is {meaning}.", field=[field])
    check_share(share_basis_points)


def check_share(share_basis_points: int) -> None:
    """Raise InvalidInput unless the share is 0 to all of the amount."""
    if not 0 <= share_basis_points <= ALL_BASIS_POINTS:
        raise InvalidInput(f"shareBasisPoints is 0 to {ALL_BASIS_POINTS}.", field=["shareBasisPoints"])


def shares(amount_minor: int, basis_points: Sequence[int]) -> list[int]:
    """What each share of an amount is in minor units, rounded down: together never more than the amount.

    All of them are 0 when they are more than the whole together.
    """
    if sum(basis_points) > ALL_BASIS_POINTS:
        return [0 for _ in basis_points]
    return [amount_minor * share // ALL_BASIS_POINTS for share in basis_points]


def take_back(left_minor: Sequence[int], amount_minor: int, of_minor: int) -> list[int]:
    """What a refund takes back of parts that vendors still have: as much of each as the refund is of what was left.

    `amount_minor` of `of_minor` goes back. A part never gives more than it has, all together never more than the
    amount, and a refund of all that is left takes all of them. Their sum is rounded down, and is exact.
    """
    whole = sum(left_minor)
    taken = min(whole * amount_minor // of_minor, amount_minor)
    upto = [taken * sum(left_minor[: index + 1]) // whole for index in range(len(left_minor))] if whole else []
    return [end - start for start, end in zip([0, *upto], upto, strict=False)]
