"""The PDFs of invoices: rendered by a job, kept in the object store, rendered again where one is missing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from db import invoices as queries
from gateways.storage import StorageUnavailable
from services.invoice_pdf import render_invoice
from services.invoices import get_invoice, invoice_sale, note_refund
from services.jobs import nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.models.invoices import Invoice
    from domain.permissions import Actor
    from gateways.storage import ObjectStore
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

PDF: Final = "application/pdf"
_log: Final = structlog.get_logger()


def handlers(store: ObjectStore) -> dict[str, Handler]:
    """What the jobs of invoices do."""

    async def render(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        """Job `invoice.render`: render a document and keep it; again it is the same bytes under the same key."""
        async with coffer.database.reading() as session:
            row = await queries.by_uuid(session, UUID(payload["invoice"]))
        if row is not None:
            await _render(store, row)
        return nothing

    return {"invoice.issue": invoice_sale, "invoice.credit": note_refund, "invoice.render": render}


async def read_pdf(coffer: Coffer, store: ObjectStore, actor: Actor, invoice: UUID | None) -> bytes | None:
    """The document's PDF, or None when the project has no such document. A store that is away costs a rendering."""
    row = await get_invoice(coffer, actor, invoice)
    if row is None:
        return None
    try:
        return await store.get(_key(row)) or await _render(store, row)
    except StorageUnavailable:
        _log.warning("invoice.store_away", invoice=row.uuid.hex, exc_info=True)
        return await asyncio.to_thread(render_invoice, row)


async def _render(store: ObjectStore, row: Invoice) -> bytes:
    body = await asyncio.to_thread(render_invoice, row)
    await store.put(_key(row), body, PDF)
    return body


def _key(row: Invoice) -> str:
    return f"invoices/{row.project_id}/{row.uuid.hex}.pdf"
