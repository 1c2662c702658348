"""E-mails to owners: what they chose, once an event, through a real mail server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from starlette.config import Config

from db.models.notifications import Notification
from db.models.recharges import AutoRecharge, Recharge
from domain.errors import InvalidInput
from domain.happenings import Happening
from domain.notifications import NotificationKind
from domain.pages import Page
from domain.purchases import PurchaseStatus
from gateways.mail import LocalMailbox, MailUnavailable, SmtpServer
from runtime.mail import open_mailer, read_smtp_url
from services.invoices import set_seller
from services.jobs import list_jobs
from services.mailing import write_mail
from services.notifications import (
    get_preferences,
    handlers,
    notify,
    notify_low_balances,
    notify_recharge,
    set_preferences,
    tell_purchase,
)
from services.purchases import purchase_credits
from services.spending import consume
from tests.builders import free_port, owner_of, settings_for, spend_of, wallet_with
from tests.services.purchase_steps import paid
from tests.services.smtp_server import inbox
from tests.services.test_invoices import SELLER
from tests.services.test_settlement import apply, payment_of, request_for

if TYPE_CHECKING:
    from pathlib import Path

    from db.models.ledger import Wallet
    from domain.permissions import Actor
    from services.coffer import Coffer

K = NotificationKind
SENDER = "Billing <billing@coffer.example>"
FACTS: dict[NotificationKind, dict[str, Any]] = {
    kind: {
        "owner": "<b>ann</b>",
        "credits": "5,500",
        "purchase": "pur_1",
        "reason": "declined & closed",
        "amount": "₹500.00",
        "gst": "₹90.00",
        "fee": "₹12.00",
        "total": "₹602.00",
        "refunded": "₹602.00",
        "refunded_credits": "5,500",
        "available": "90",
        "threshold": "200",
        "event": "failed",
        "link": None,
        "payout": "pay_1",
        "utr": None,
        "interval": "month",
        "subscription": "sub_1",
    }
    for kind in K
}


def row_of(kind: NotificationKind, **facts: object) -> Notification:
    row = Notification(uuid=UUID(int=7), kind=kind, email="ann@example.com", facts=FACTS[kind] | facts)
    row.created_at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return row


async def written_to(coffer: Coffer, kinds: list[NotificationKind] | None = None) -> tuple[Actor, Wallet]:
    """A wallet whose owner has an address."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 0)
    await set_preferences(coffer, actor, wallet.uuid, "ann@example.com", kinds)
    return actor, wallet


async def mails(coffer: Coffer) -> list[Notification]:
    async with coffer.database.reading() as session:
        return list(await session.scalars(select(Notification).order_by(Notification.id)))


async def send(coffer: Coffer, port: int, row: Notification) -> None:
    """Do the job that sends an e-mail."""
    work = handlers(SmtpServer("127.0.0.1", port), SENDER)["notification.send"]
    effect = await work(coffer, {"notification": row.id})
    async with coffer.database.transaction() as session:
        await effect(session)


async def tell(coffer: Coffer, happening: Happening, purchase: UUID) -> None:
    effect = await tell_purchase(coffer, {"happening": happening, "purchase": purchase.hex})
    async with coffer.database.transaction() as session:
        await effect(session)


@pytest.mark.parametrize("kind", list(K))
def test_every_kind_is_written_as_text_and_html(kind: NotificationKind) -> None:
    """Both parts say the same, the subject is one line, and what an owner chose to be called is no markup."""
    mail = write_mail(row_of(kind), SENDER)
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert (mail["To"], mail["Message-ID"]) == ("ann@example.com", "<00000000000000000000000000000007@coffer.example>")
    assert mail["Subject"] in page.get_content()
    assert "<b>ann</b>" in text.get_content()
    assert "&lt;b&gt;ann&lt;/b&gt;" in page.get_content()
    assert "<b>" not in page.get_content()


@pytest.mark.parametrize(
    ("kind", "event", "subject"),
    [
        (K.AUTO_RECHARGE, "succeeded", "Your wallet was recharged"),
        (K.AUTO_RECHARGE, "awaiting_approval", "Your automatic recharge needs you"),
        (K.DUNNING, "failed", "Your automatic payment failed"),
        (K.DUNNING, "turned_off", "Automatic recharge was turned off"),
        (K.PAYOUT, "succeeded", "₹500.00 is on its way to your account"),
        (K.PAYOUT, "failed", "Your payout of ₹500.00 failed"),
        (K.PAYOUT, "reversed", "Your payout of ₹500.00 came back"),
        (K.SUBSCRIPTION, "asked", "Your subscription was cancelled"),
        (K.SUBSCRIPTION, "unpaid", "Your subscription ended: a payment failed"),
        (K.SUBSCRIPTION, "elsewhere", "Your subscription ended"),
    ],
)
def test_each_outcome_has_its_own_words(kind: NotificationKind, event: str, subject: str) -> None:
    """The subject says what happened."""
    assert write_mail(row_of(kind, event=event), SENDER)["Subject"] == subject


async def test_a_purchase_is_told_once_through_the_mail_server(coffer: Coffer) -> None:
    """The event told three times and the job done twice put one message into the inbox, with the amounts in it."""
    _, wallet = await written_to(coffer)
    _, purchase = await paid(coffer, wallet.uuid)
    for _ in range(3):
        await tell(coffer, Happening.PURCHASE_SUCCEEDED, purchase.uuid)
    [row] = await mails(coffer)
    async with inbox() as server:
        for _ in range(2):
            await send(coffer, server.port, row)
    [mail] = server.taken
    body = mail.get_body(("plain",))
    assert body is not None
    assert "₹602.00" in body.get_content()
    assert (mail["Subject"], mail["Message-ID"]) == (
        "5,500 credits for ₹602.00",
        f"<{row.uuid.hex}@coffer.example>",
    )


async def test_a_failure_is_told_once_an_attempt(coffer: Coffer) -> None:
    """The reason of the provider is in the mail."""
    actor, wallet = await written_to(coffer)
    purchase = await purchase_credits(coffer, actor, request_for(wallet.uuid))
    await apply(coffer, payment_of(purchase, PurchaseStatus.FAILED, failure_reason="declined"))
    for _ in range(2):
        await tell(coffer, Happening.PURCHASE_FAILED, purchase.uuid)
    [row] = await mails(coffer)
    assert (row.kind, row.facts["reason"]) == (K.PAYMENT_FAILED, "declined")


async def test_a_settlement_asks_for_invoice_and_mail(coffer: Coffer) -> None:
    """Both jobs are written in the commit that grants the credits, where there are a seller and a reader."""
    actor, wallet = await written_to(coffer)
    await set_seller(coffer, actor, SELLER)
    await paid(coffer, wallet.uuid)
    kinds = {job.kind for job in await list_jobs(coffer, actor, None, Page(100, None))}
    assert kinds >= {"invoice.issue", "notification.purchase"}


async def test_a_settlement_asks_for_nothing_that_nobody_wants(coffer: Coffer) -> None:
    """Without a seller there is no job for an invoice, without an address none for an e-mail."""
    actor, _ = await paid(coffer)
    kinds = {job.kind for job in await list_jobs(coffer, actor, None, Page(100, None))}
    assert not kinds & {"invoice.issue", "notification.purchase"}


async def test_owners_choose_what_they_hear_of(coffer: Coffer) -> None:
    """Without an address, or without the kind, nothing is written."""
    actor, wallet = await written_to(coffer, [K.REFUND])
    _, purchase = await paid(coffer, wallet.uuid)
    await tell(coffer, Happening.PURCHASE_SUCCEEDED, purchase.uuid)
    await set_preferences(coffer, actor, wallet.uuid, None, None)
    await tell(coffer, Happening.REFUND_SUCCEEDED, purchase.uuid)
    assert await mails(coffer) == []
    assert await get_preferences(coffer, actor, wallet.uuid) is None


async def test_a_low_balance_is_told_once_a_dip(coffer: Coffer) -> None:
    """Each fall below the mark is one e-mail, whoever looks how often."""
    actor = await owner_of(coffer)
    wallet = await wallet_with(coffer, actor, 205)
    await set_preferences(coffer, actor, wallet.uuid, "ann@example.com", [K.LOW_BALANCE])
    await consume(coffer, actor, spend_of(wallet.uuid, "API_BASIC_REQUEST", units=10))
    for _ in range(3):
        await notify_low_balances(coffer)
    [row] = await mails(coffer)
    assert (row.facts["available"], row.facts["threshold"]) == ("195", "200")


async def test_a_recharge_is_told_step_by_step(coffer: Coffer) -> None:
    """Approval, failure and turning off are e-mails, each step once; what an owner can't act on is none."""
    _, wallet = await written_to(coffer)
    row = Recharge(uuid=uuid4(), wallet_id=wallet.id, total_minor=60_200, currency="INR", failure_reason="declined")
    for step in ("charging", "awaiting_approval", "failed", "failed", "skipped"):
        async with coffer.database.transaction() as session:
            await notify_recharge(coffer, session, row, step)
    async with coffer.database.transaction() as session:
        await notify_recharge(coffer, session, AutoRecharge(wallet_id=wallet.id), "turned_off")
    told = [(row.kind, write_mail(row, SENDER)["Subject"]) for row in await mails(coffer)]
    assert told == [
        (K.AUTO_RECHARGE, "Your automatic recharge needs you"),
        (K.DUNNING, "Your automatic payment failed"),
        (K.DUNNING, "Automatic recharge was turned off"),
    ]


async def test_a_recharge_that_succeeded_says_what_was_bought(coffer: Coffer) -> None:
    """The mail of a payment that nobody saw has its credits, GST and fee."""
    _, wallet = await written_to(coffer)
    _, purchase = await paid(coffer, wallet.uuid)
    row = Recharge(uuid=uuid4(), wallet_id=wallet.id, total_minor=60_200, currency="INR", purchase_uuid=purchase.uuid)
    async with coffer.database.transaction() as session:
        await notify_recharge(coffer, session, row, "succeeded")
    [written] = await mails(coffer)
    body = write_mail(written, SENDER).get_body(("plain",))
    assert body is not None
    assert "5,500 credits were added: ₹500.00 for the credits, ₹90.00 GST and ₹12.00" in body.get_content()


async def test_an_event_told_at_once_by_many_is_one_mail(coffer: Coffer) -> None:
    """The event's name is unique in the database."""
    _, wallet = await written_to(coffer)
    for _ in range(3):
        async with coffer.database.transaction() as session:
            await notify(coffer, session, K.DUNNING, wallet.id, "recharge.failed:1", FACTS[K.DUNNING])
    async with coffer.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Notification)) == 1


async def test_a_refused_address_is_noted_and_a_busy_server_is_asked_again(coffer: Coffer) -> None:
    """A 4xx leaves the job for another try, a 5xx ends it with the server's words."""
    _, wallet = await written_to(coffer)
    async with coffer.database.transaction() as session:
        await notify(coffer, session, K.LOW_BALANCE, wallet.id, "e", FACTS[K.LOW_BALANCE])
    [row] = await mails(coffer)
    async with inbox() as server:
        server.replies = ["451 try later", "550 no such mailbox"]
        with pytest.raises(MailUnavailable):
            await send(coffer, server.port, row)
        await send(coffer, server.port, row)
    [row] = await mails(coffer)
    assert (row.refused, row.sent_at, server.taken) == ("no such mailbox", None, [])


async def test_a_mail_server_that_is_away_is_unavailable() -> None:
    """A refused connection is a fault that the job retries."""
    with pytest.raises(MailUnavailable):
        await SmtpServer("127.0.0.1", free_port()).send(write_mail(row_of(K.REFUND), SENDER))


async def test_without_a_mail_server_mails_are_files(tmp_path: Path) -> None:
    """The same mail twice is one .eml file in the data folder."""
    mailer = open_mailer(settings_for(1, data_dir=tmp_path))
    assert isinstance(mailer, LocalMailbox)
    for _ in range(2):
        await mailer.send(write_mail(row_of(K.REFUND), SENDER))
    [file] = (tmp_path / "mail").iterdir()
    assert file.name == f"{UUID(int=7).hex}.eml"


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@b.in", "a b@c.in", "a@b.in\nBcc: x@y.in", "a@b", "ä@b.in", "a@b.in,c@d.in"]
)
async def test_only_one_address_is_an_address(coffer: Coffer, email: str) -> None:
    """Nothing that could add recipients or headers is taken."""
    actor = await owner_of(coffer, uuid4().hex)
    with pytest.raises(InvalidInput):
        await set_preferences(coffer, actor, uuid4(), email, None)


@pytest.mark.parametrize("url", ["host:25", "http://host", "smtp://"])
def test_the_address_of_the_mail_server_is_checked(url: str) -> None:
    """A process does not start with one that it can't use."""
    with pytest.raises(ValueError, match="COFFER_SMTP_URL"):
        read_smtp_url(Config(environ={"COFFER_SMTP_URL": url}, env_prefix="COFFER_"))
