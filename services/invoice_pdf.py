"""An invoice or credit note as a PDF: the same bytes for the same row, whenever and wherever it is rendered."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from domain.gst import STATES, InvoiceKind, state_tax_name
from domain.money import format_money
from services.invoice_fonts import BOLD, REGULAR, needs_shaping, use, with_fonts

if TYPE_CHECKING:
    from db.models.invoices import Invoice

MARGIN_POINTS: Final = 42
_TITLES: Final = {InvoiceKind.INVOICE: "Tax invoice", InvoiceKind.CREDIT_NOTE: "Credit note"}
_GRID: Final = [
    ("FONT", (0, 0), (-1, -1), REGULAR, 9),
    ("FONT", (0, 0), (-1, 0), BOLD, 9),
    ("FONT", (0, -1), (-1, -1), BOLD, 9),
    ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
    ("LINEBELOW", (0, 0), (-1, 0), 0.8, "black"),
    ("LINEABOVE", (0, -1), (-1, -1), 0.8, "black"),
]


def render_invoice(row: Invoice) -> bytes:
    """Render it; takes some milliseconds, the first time a third of a second."""
    # Here, since it takes a third of a second and most processes never render.
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415
    from reportlab.lib.styles import ParagraphStyle  # noqa: PLC0415
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table  # noqa: PLC0415

    plain = ParagraphStyle("plain", fontName=use(REGULAR), fontSize=9, leading=13)
    shaped = ParagraphStyle("shaped", plain, leading=15, shaping=1)
    title = ParagraphStyle("title", fontName=use(BOLD), fontSize=16, leading=24)
    figures = Table(_figures(row), colWidths=["52%", "20%", "28%"], style=_GRID)
    blocks = [
        # Latin letters are not shaped: ligatures are no better to read, and worse to copy.
        [Paragraph(line, shaped if needs_shaping(line) else plain) for line in block]
        for block in (_seller(row), _buyer(row))
    ]
    parties = Table([blocks], colWidths=["50%", "50%"], style=[("VALIGN", (0, 0), (-1, -1), "TOP")])
    story = [
        Paragraph(f"{_TITLES[row.kind]} {escape(row.number)}", title),
        Paragraph(_facts(row), plain),
        Spacer(0, 12),
        parties,
        Spacer(0, 12),
        figures,
        Spacer(0, 12),
        Paragraph("Tax is not payable under reverse charge. Made by a computer: valid without a signature.", plain),
    ]
    file = BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN_POINTS)
    SimpleDocTemplate(file, pagesize=A4, title=row.number, invariant=1, **margins).build(story)
    return file.getvalue()


def _facts(row: Invoice) -> str:
    lines = [f"Date: {row.issued_on:%d %B %Y}", f"Place of supply: {_state(row.place_of_supply)}"]
    if row.original_issued_on is not None:
        lines.append(f"For invoice {row.original_number} of {row.original_issued_on:%d %B %Y}")
    return "<br/>".join(escape(line) for line in lines)


def _seller(row: Invoice) -> list[str]:
    seller = row.seller
    return _block("From", [seller["legal_name"], seller["address"], _state(seller["state_code"]), _gstin(seller)])


def _buyer(row: Invoice) -> list[str]:
    buyer = row.buyer
    known = "state_code" in buyer
    address = [f"{buyer['address']} {buyer['postal_code']}", _state(buyer["state_code"])] if known else []
    return _block("To", [buyer["name"], *address, _gstin(buyer)])


def _block(head: str, parts: list[str]) -> list[str]:
    lines = [line for part in parts for line in part.splitlines()]
    return [f'<font name="{BOLD}">{head}</font>', *(with_fonts(escape(line)) for line in lines)]


def _gstin(party: dict[str, Any]) -> str:
    return f"GSTIN: {party.get('gstin') or 'not registered'}"


def _state(code: str) -> str:
    return f"{STATES[code]} ({code})"


def _figures(row: Invoice) -> list[list[str]]:
    credits = f"{row.credits:,} prepaid credits" if row.credits else "Prepaid credits, taken back"
    lines = [
        ["Description", "SAC", f"Amount ({row.currency})"],
        [credits, row.sac, _money(row, row.taxable_minor)],
        *_taxes(row),
        ["Platform fee", "", _money(row, row.platform_fee_minor)],
        ["Total", "", _money(row, row.total_minor)],
    ]
    return [line for line in lines if line[0] != "Platform fee" or row.platform_fee_minor]


def _taxes(row: Invoice) -> list[list[str]]:
    """The taxes with their rates; a half that came to nothing is still the half of a rate."""
    if row.igst_minor or row.place_of_supply != row.seller["state_code"]:
        return [["IGST 18 %", "", _money(row, row.igst_minor)]]
    state = state_tax_name(row.place_of_supply)
    return [["CGST 9 %", "", _money(row, row.cgst_minor)], [f"{state} 9 %", "", _money(row, row.sgst_minor)]]


def _money(row: Invoice, amount_minor: int) -> str:
    return format_money(amount_minor, row.currency)
