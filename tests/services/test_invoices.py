"""GST invoices: one a sale, a credit note a refund, numbers without a gap, PDFs that are always the same."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from pypdf import PdfReader
from sqlalchemy import select

from db.models.refunds import Refund
from domain.errors import InvalidInput, InvalidState
from domain.gst import InvoiceKind
from domain.pages import Page
from gateways.storage import BunnyZone, LocalFolder
from runtime.storage import BunnyAccount, open_store
from services.invoice_files import handlers, read_pdf
from services.invoice_pdf import render_invoice
from services.invoices import (
    BillingRequest,
    SellerRequest,
    invoice_sale,
    issue_invoice,
    list_invoices,
    note_refund,
    set_billing_details,
    set_seller,
)
from services.refunds import refund_purchase
from tests.builders import free_port, owner_of, settings_for, wallet_with
from tests.services.purchase_steps import paid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from db.models.invoices import Invoice
    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer

SELLER = SellerRequest("Coffer Pvt Ltd", "1 MG Road\nBengaluru 560001", "29AAGCB7383J1Z4", "29")


async def sold(
    coffer: Coffer, state: str = "29", gstin: str | None = None, **changes: object
) -> tuple[Actor, Purchase]:
    """A paid purchase of a project with a seller in Karnataka, for a buyer of a state."""
    actor = await owner_of(coffer)
    await set_seller(coffer, actor, SELLER)
    wallet = await wallet_with(coffer, actor, 0)
    await set_billing_details(
        coffer, actor, BillingRequest(wallet.uuid, "Asha & Sons <x>", "2 Hill Rd", "400050", state, gstin)
    )
    return await paid(coffer, wallet.uuid, "buy", **changes)


async def work(coffer: Coffer, purchase: Purchase, refund: Refund | None = None) -> None:
    """Do the job that a paid purchase, or a refund that was sent, asks for."""
    payload = {"purchase": purchase.uuid.hex} | ({"refund": refund.uuid.hex} if refund else {})
    effect = await (note_refund if refund else invoice_sale)(coffer, payload)
    async with coffer.database.transaction() as session:
        await effect(session)


async def documents(coffer: Coffer, actor: Actor) -> Sequence[Invoice]:
    """All invoices and credit notes, oldest first."""
    return list(reversed(await list_invoices(coffer, actor, None, Page(100, None))))


async def refunds(coffer: Coffer) -> Sequence[Refund]:
    async with coffer.database.reading() as session:
        return (await session.scalars(select(Refund).order_by(Refund.id))).all()


@pytest.mark.parametrize(
    ("state", "gstin", "taxes"),
    [("29", None, (4_500, 4_500, 0)), ("27", "27AAPFU0939F1ZV", (0, 0, 9_000)), ("27", None, (0, 0, 9_000))],
)
async def test_the_buyers_state_decides_the_taxes(
    coffer: Coffer, state: str, gstin: str | None, taxes: tuple[int, int, int]
) -> None:
    """In the seller's state half and half, elsewhere IGST, registered or not; the total is what was paid."""
    actor, purchase = await sold(coffer, state, gstin)
    await work(coffer, purchase)
    [made] = await documents(coffer, actor)
    assert (made.cgst_minor, made.sgst_minor, made.igst_minor) == taxes
    assert (made.taxable_minor, made.platform_fee_minor, made.total_minor) == (50_000, 1_200, 60_200)


async def test_a_sale_has_one_invoice_however_often_it_is_asked_for(coffer: Coffer) -> None:
    """Ten jobs at once and one by hand are one document with number 1."""
    actor, purchase = await sold(coffer)
    await asyncio.gather(*(work(coffer, purchase) for _ in range(10)))
    by_hand = await issue_invoice(coffer, actor, purchase.uuid)
    assert [(made.uuid, made.serial) for made in await documents(coffer, actor)] == [(by_hand.uuid, 1)]


async def test_fifty_sales_at_once_are_numbered_without_a_gap(coffer: Coffer) -> None:
    """Concurrent invoices have the numbers 1 to 50, and a rolled back one leaves no hole."""
    actor, first = await sold(coffer)
    others = [await paid(coffer, first.wallet_uuid, f"b{n}") for n in range(49)]
    purchases = [first, *(purchase for _, purchase in others)]
    async with coffer.database.rehearsal() as session:
        await (await invoice_sale(coffer, {"purchase": first.uuid.hex}))(session)
    await asyncio.gather(*(work(coffer, purchase) for purchase in purchases))
    numbers = sorted(made.number for made in await documents(coffer, actor))
    assert [number[-6:] for number in numbers] == [f"{n:06d}" for n in range(1, 51)]


async def test_a_refund_has_a_credit_note_in_its_own_series(coffer: Coffer) -> None:
    """Odd parts of tax and fee add up to the invoice, and each note names it."""
    actor, purchase = await sold(coffer, pack_code=None, amount_minor=15_005)
    for part, key in ((4_999, "a"), (5_003, "b"), (None, "c")):
        await refund_purchase(coffer, actor, purchase.uuid, part, key)
    for refund in await refunds(coffer):
        for _ in range(2):
            await work(coffer, purchase, refund)
    invoice, *notes = await documents(coffer, actor)
    assert [(note.kind, note.serial, note.original_number) for note in notes] == [
        (InvoiceKind.CREDIT_NOTE, n, invoice.number) for n in (1, 2, 3)
    ]
    for name in ("taxable_minor", "cgst_minor", "sgst_minor", "platform_fee_minor", "total_minor"):
        assert sum(getattr(note, name) for note in notes) == getattr(invoice, name)


async def test_without_billing_details_the_seller_state_is_the_place(coffer: Coffer) -> None:
    """The buyer is named by its id, and the tax is the seller's state's."""
    actor = await owner_of(coffer)
    await set_seller(coffer, actor, SELLER)
    _, purchase = await paid(coffer)
    await work(coffer, purchase)
    [made] = await documents(coffer, actor)
    assert (made.place_of_supply, made.cgst_minor, list(made.buyer)) == ("29", 4_500, ["name"])


async def test_no_seller_or_no_tax_makes_no_invoice(coffer: Coffer) -> None:
    """Before setSellerDetails, and for sales of a merchant of record, there is none; asking by hand says why."""
    actor, purchase = await paid(coffer)
    await work(coffer, purchase)
    with pytest.raises(InvalidState, match="merchant of record"):
        await issue_invoice(coffer, actor, purchase.uuid)
    await set_seller(coffer, actor, SELLER)
    async with coffer.database.transaction() as session:
        row = await session.get_one(type(purchase), purchase.id)
        row.gst_minor = row.platform_fee_minor = 0
    await work(coffer, purchase)
    assert await documents(coffer, actor) == []


async def test_a_document_keeps_what_was_said_when_it_was_made(coffer: Coffer, database_url: str) -> None:
    """A new address changes no invoice, and nobody can change the row."""
    actor, purchase = await sold(coffer)
    await work(coffer, purchase)
    await set_seller(coffer, actor, SellerRequest("Other", "b", "27AAPFU0939F1ZV", "27"))
    [made] = await documents(coffer, actor)
    assert made.seller["legal_name"] == "Coffer Pvt Ltd"
    admin = await asyncpg.connect(database_url)
    for change in ("update invoice set number = 'X'", "delete from invoice", "truncate invoice"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await admin.execute(change)
    await admin.close()


async def test_a_pdf_says_all_that_the_law_asks(coffer: Coffer) -> None:
    """Names, GSTINs, number, date, place of supply, SAC, each tax and the total can be read in it."""
    actor, purchase = await sold(coffer, "27", "27AAPFU0939F1ZV")
    await work(coffer, purchase)
    [made] = await documents(coffer, actor)
    text = PdfReader(BytesIO(render_invoice(made))).pages[0].extract_text()
    wanted = {
        made.number,
        "Tax invoice",
        "Coffer Pvt Ltd",
        "29AAGCB7383J1Z4",
        "Asha & Sons <x>",
        "27AAPFU0939F1ZV",
        "Maharashtra (27)",
        "998315",
        f"{made.issued_on:%d %B %Y}",
        "₹500.00",
        "IGST 18 %",
        "₹90.00",
        "₹12.00",
        "₹602.00",
        "reverse charge",
    }
    assert {word for word in wanted if word not in text} == set()


SCRIPTS = ("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam")


async def test_a_pdf_writes_the_scripts_of_india(coffer: Coffer) -> None:
    """Each script has its own font, in which KA, VIRAMA and SSA merge into fewer shapes; Gurmukhi has no SSA."""
    actor, purchase = await sold(coffer, "27", None)
    await work(coffer, purchase)
    [made] = await documents(coffer, actor)
    # A block of Unicode for each script, with the same letters at the same places.
    names = ["".join(chr(0x900 + 0x80 * block + place) for place in (0x15, 0x4D, 0x37)) for block in range(9)]
    made.buyer = made.buyer | {"name": f"Asha {' '.join(names)} <{names[0]}{names[5]}>"}
    pdf = render_invoice(made)
    shapes = {script: drawn(pdf, f"NotoSans{script}-") for script in SCRIPTS}
    # The bracket of a word is written in the word's font.
    assert shapes == dict.fromkeys(SCRIPTS, 1) | {"Devanagari": 1 + 2, "Gurmukhi": 3, "Tamil": 1 + 2}
    assert render_invoice(made) == pdf


def drawn(pdf: bytes, font: str) -> int:
    """How many shapes of a font are on the first page."""
    page = PdfReader(BytesIO(pdf)).pages[0]
    fonts = page["/Resources"]["/Font"]  # type: ignore[index]  # a page of ours
    mine = {name for name, found in fonts.items() if font in found["/BaseFont"]}
    shapes, current = 0, ""
    for words, operator in page.get_contents().operations:  # type: ignore[union-attr]  # it has one
        current = words[0] if operator == b"Tf" else current
        texts = words[0] if operator == b"TJ" else words
        if current in mine and operator in {b"Tj", b"TJ"}:
            shapes += sum(len(text) for text in texts if isinstance(text, str | bytes))
    return shapes


async def test_a_pdf_is_stored_once_and_rendered_again_alike(coffer: Coffer, tmp_path: Path) -> None:
    """The job's file is what is downloaded; after it is lost the same bytes come back and are stored."""
    actor, purchase = await sold(coffer)
    await work(coffer, purchase)
    [made] = await documents(coffer, actor)
    store = LocalFolder(tmp_path)
    await handlers(store)["invoice.render"](coffer, {"invoice": made.uuid.hex})
    key = f"invoices/{made.project_id}/{made.uuid.hex}.pdf"
    first = await store.get(key)
    (tmp_path / key).unlink()
    assert await read_pdf(coffer, store, actor, made.uuid) == first == await store.get(key)


async def test_a_download_does_not_need_the_store(coffer: Coffer) -> None:
    """While the store is away the document is rendered for the one who asks; another project gets nothing."""
    actor, purchase = await sold(coffer)
    await work(coffer, purchase)
    [made] = await documents(coffer, actor)
    away = BunnyZone(f"http://127.0.0.1:{free_port()}", "zone", "x")
    assert await read_pdf(coffer, away, actor, made.uuid) == render_invoice(made)
    assert await read_pdf(coffer, away, await owner_of(coffer, "other"), made.uuid) is None


async def test_what_can_not_be_printed_is_refused(coffer: Coffer) -> None:
    """A PIN code, a state or a GSTIN that can't be is INVALID_INPUT at the field."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    good: dict[str, Any] = {"name": "n", "address": "a", "postal_code": "560001", "state_code": "29", "gstin": None}
    for name, value in (("postal_code", "56001"), ("state_code", "28"), ("gstin", "29AAGCB7383J1Z5"), ("name", "")):
        with pytest.raises(InvalidInput):
            await set_billing_details(coffer, actor, BillingRequest(wallet.uuid, **good | {name: value}))


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    """A folder below the data folder, or Bunny where its zone is named."""
    here = settings_for(1, data_dir=tmp_path)
    there = settings_for(1, bunny=BunnyAccount("zone", "https://storage.example", "hush"))
    assert [type(open_store(settings)).__name__ for settings in (here, there)] == ["LocalFolder", "BunnyZone"]
    assert "hush" not in repr(there)
