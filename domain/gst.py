"""GST as India's invoice rules have it: GSTINs, states, the split of the tax, financial years and invoice numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta, timezone
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from domain.errors import InvalidInput, InvalidState

if TYPE_CHECKING:
    from datetime import date, datetime

IST: Final = timezone(timedelta(hours=5, minutes=30))
"""Invoices carry the Indian date, and so do their financial years."""

DEFAULT_SAC: Final = "998315"
"""Hosting and IT infrastructure provisioning services."""

MAX_NUMBER_CHARACTERS: Final = 16
"""Source: rule 46(b) of the CGST rules."""

MAX_PREFIX_CHARACTERS: Final = 3
"""Leaves a financial year room for 9,999,999 invoices."""

SERIAL_DIGITS: Final = 6
APRIL: Final = 4

STATES: Final[dict[str, str]] = {
    "01": "Jammu and Kashmir",
    "02": "Himachal Pradesh",
    "03": "Punjab",
    "04": "Chandigarh",
    "05": "Uttarakhand",
    "06": "Haryana",
    "07": "Delhi",
    "08": "Rajasthan",
    "09": "Uttar Pradesh",
    "10": "Bihar",
    "11": "Sikkim",
    "12": "Arunachal Pradesh",
    "13": "Nagaland",
    "14": "Manipur",
    "15": "Mizoram",
    "16": "Tripura",
    "17": "Meghalaya",
    "18": "Assam",
    "19": "West Bengal",
    "20": "Jharkhand",
    "21": "Odisha",
    "22": "Chhattisgarh",
    "23": "Madhya Pradesh",
    "24": "Gujarat",
    "26": "Dadra and Nagar Haveli and Daman and Diu",
    "27": "Maharashtra",
    "29": "Karnataka",
    "30": "Goa",
    "31": "Lakshadweep",
    "32": "Kerala",
    "33": "Tamil Nadu",
    "34": "Puducherry",
    "35": "Andaman and Nicobar Islands",
    "36": "Telangana",
    "37": "Andhra Pradesh",
    "38": "Ladakh",
    "97": "Other Territory",
}
"""The states and union territories by their GST codes."""

_UNION_TERRITORIES: Final = frozenset({"04", "26", "31", "35", "38", "97"})
"""Those without a legislature, where the state's half of the tax is called UTGST."""

_GSTIN: Final = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SAC: Final = re.compile(r"[0-9]{4}([0-9]{2})?")
_PREFIX: Final = re.compile(r"[A-Z0-9-]{1,3}")


class InvoiceKind(IntEnum):
    """Which document it is; each kind has numbers of its own."""

    INVOICE = 1
    """A tax invoice for a purchase."""
    CREDIT_NOTE = 2
    """What a refund takes off an invoice."""


@dataclass(frozen=True, slots=True)
class Taxes:
    """GST by the accounts that it goes to, in paise: both halves, or IGST."""

    cgst_minor: int
    sgst_minor: int
    igst_minor: int


NO_TAXES: Final = Taxes(0, 0, 0)


def check_state(code: str, field: str) -> None:
    """Raise InvalidInput unless it is the GST code of a state or union territory."""
    if code not in STATES:
        raise InvalidInput(f"{field} is the two digits of an Indian state's GST code, such as 29.", field=[field])


def check_gstin(gstin: str, state_code: str, field: str) -> None:
    """Raise InvalidInput unless the GSTIN is well formed, of that state, and its last character checks the others."""
    if not _GSTIN.fullmatch(gstin):
        raise InvalidInput(f"{field} is 15 characters such as 29AAGCB7383J1Z4.", field=[field])
    if gstin[:2] != state_code:
        raise InvalidInput(f"{field} begins with the state's code, {state_code}.", field=[field])
    if gstin[-1] != gstin_check_character(gstin[:-1]):
        raise InvalidInput(f"{field} has a mistake: its last character does not fit the others.", field=[field])


def gstin_check_character(first: str) -> str:
    """The character that checks the first 14 of a GSTIN (Luhn's rule over 36 digits)."""
    total = 0
    for place, character in enumerate(first):
        product = _DIGITS.index(character) * (1 + place % 2)
        total += product // len(_DIGITS) + product % len(_DIGITS)
    return _DIGITS[-total % len(_DIGITS)]


def check_sac(sac: str) -> None:
    """Raise InvalidInput unless it can be a services accounting code."""
    if not _SAC.fullmatch(sac):
        raise InvalidInput("sac is 4 or 6 digits, such as 998315.", field=["sac"])


def check_prefix(prefix: str, field: str) -> None:
    """Raise InvalidInput unless invoice numbers may begin so."""
    if not _PREFIX.fullmatch(prefix):
        message = f"{field} is 1 to {MAX_PREFIX_CHARACTERS} of the characters A-Z, 0-9 and -."
        raise InvalidInput(message, field=[field])


def split_gst(gst_minor: int, *, within_state: bool, before: Taxes = NO_TAXES) -> Taxes:
    """CGST and SGST within a state, else IGST; together exactly the GST, the halves a paisa apart where it is odd.

    `before` is what earlier credit notes of the same invoice had, so that the halves of all add up.
    """
    if not within_state:
        return Taxes(0, 0, gst_minor)
    cgst = (before.cgst_minor + before.sgst_minor + gst_minor) // 2 - before.cgst_minor
    return Taxes(cgst, gst_minor - cgst, 0)


def state_tax_name(place_of_supply: str) -> str:
    """What the state's half of the tax is called there."""
    return "UTGST" if place_of_supply in _UNION_TERRITORIES else "SGST"


def indian_date(at: datetime) -> date:
    """The day in India at an instant."""
    return at.astimezone(IST).date()


def financial_year(day: date) -> str:
    """April to March, as 2627 for 2026-04-01 to 2027-03-31."""
    first = day.year if day.month >= APRIL else day.year - 1
    return f"{first % 100:02d}{(first + 1) % 100:02d}"


def invoice_number(prefix: str, year: str, serial: int) -> str:
    """A consecutive number such as INV/2627/000001. InvalidState when the year's numbers are used up."""
    number = f"{prefix}/{year}/{serial:0{SERIAL_DIGITS}d}"
    if len(number) > MAX_NUMBER_CHARACTERS:
        raise InvalidState(f"An invoice number has at most {MAX_NUMBER_CHARACTERS} characters: {number} is too long.")
    return number
