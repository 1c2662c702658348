"""E-mails to owners: chosen by their preferences, written with the event, sent by a job, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from db import notifications as queries
from db import purchases as purchase_queries
from db import refunds as refund_queries
from db import wallets as wallet_queries
from db.models.recharges import Recharge
from domain.errors import InvalidInput
from domain.happenings import Happening
from domain.jobs import Queue
from domain.money import format_money
from domain.notifications import NotificationKind, check_address
from domain.permissions import Actor, Permission
from domain.subscriptions import RUNNING, SubscriptionStatus
from gateways.mail import MailRefused
from services.jobs import enqueue, nothing
from services.mailing import write_mail
from services.wallets import require_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.database import Session
    from db.models.notifications import NotificationPreference
    from db.models.payouts import PayoutTransfer
    from db.models.purchases import Purchase
    from db.models.recharges import AutoRecharge
    from db.models.refunds import Refund
    from db.models.subscriptions import CreditSubscription
    from gateways.mail import Mailer
    from services.coffer import Coffer
    from services.jobs import Effect, Handler

SWEEP_ALERTS: Final = 200
_KINDS: Final = {
    Happening.PURCHASE_SUCCEEDED: NotificationKind.PURCHASE,
    Happening.PURCHASE_FAILED: NotificationKind.PAYMENT_FAILED,
    Happening.REFUND_SUCCEEDED: NotificationKind.REFUND,
}
_RECHARGE_KINDS: Final = {
    "succeeded": NotificationKind.AUTO_RECHARGE,
    "awaiting_approval": NotificationKind.AUTO_RECHARGE,
    "failed": NotificationKind.DUNNING,
    "turned_off": NotificationKind.DUNNING,
}


def handlers(mailer: Mailer, sender: str) -> dict[str, Handler]:
    """What the jobs of e-mails do."""

    async def send(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
        """Job `notification.send`: hand an e-mail to the mail server; what it refuses for good is noted and left."""
        async with coffer.database.reading() as session:
            row = await queries.get(session, payload["notification"])
        if row is None or row.sent_at is not None or row.refused is not None:
            return nothing
        refused = None
        try:
            await mailer.send(write_mail(row, sender))
        except MailRefused as refusal:
            refused = str(refusal)

        async def effect(session: Session) -> None:
            await queries.mark(session, row.id, coffer.clock(), refused)

        return effect

    return {"notification.send": send, "notification.purchase": tell_purchase}


async def get_preferences(coffer: Coffer, actor: Actor, wallet: UUID | None) -> NotificationPreference | None:
    """Where the wallet's owner is written to, and about what; None: nowhere. NotFound."""
    actor.require(Permission.READ)
    async with coffer.database.reading() as session:
        return await queries.preferences(session, (await require_wallet(session, actor, wallet)).id)


async def set_preferences(
    coffer: Coffer, actor: Actor, wallet: UUID | None, email: str | None, kinds: Sequence[NotificationKind] | None
) -> NotificationPreference | None:
    """Say where the wallet's owner is written to (None: nowhere) and about what (None: everything). InvalidInput."""
    actor.require(Permission.PURCHASE)
    if email is None and kinds:
        raise InvalidInput("kinds need an email to go to.", field=["email"])
    if email is not None:
        check_address(email)
    chosen = sorted(set(NotificationKind if kinds is None else kinds))
    async with coffer.database.transaction() as session:
        found = await require_wallet(session, actor, wallet)
        await queries.set_preferences(session, found.id, email, [int(kind) for kind in chosen])
        return await queries.preferences(session, found.id)


async def notify(
    coffer: Coffer, session: Session, kind: NotificationKind, wallet_id: int, event: str, facts: Mapping[str, Any]
) -> None:
    """Have the wallet's owner told of an event, once, if the owner wants to be: in the event's own transaction."""
    chosen = await queries.preferences(session, wallet_id)
    if chosen is None or kind not in chosen.kinds:
        return
    wallet = await wallet_queries.read(session, wallet_id)
    values = {"uuid": uuid4(), "project_id": wallet.project_id, "wallet_id": wallet_id, "kind": kind, "event": event}
    values |= {"email": chosen.email, "facts": {"owner": wallet.owner_id, **facts}}
    written = await queries.add(session, values)
    if written is not None:
        payload = {"notification": written, "project_id": wallet.project_id}
        await enqueue(coffer, session, (Queue.NOTIFICATIONS_BILLING, "notification.send", payload))


async def tell_purchase(coffer: Coffer, payload: Mapping[str, Any]) -> Effect:
    """Job `notification.purchase`: have the owner told what happened to a purchase or its refund."""

    async def effect(session: Session) -> None:
        happening = Happening(payload["happening"])
        purchase = await purchase_queries.by_uuid(session, UUID(payload["purchase"]))
        refund = await refund_queries.refund(session, UUID(payload["refund"])) if "refund" in payload else None
        if purchase is None or happening not in _KINDS or (purchase.recharge_id is not None and refund is None):
            # What a recharge comes to is told as such.
            return
        # A purchase fails once an attempt; a refund happens once.
        about = purchase.reference if refund is None else str(refund.uuid)
        facts = _facts(purchase) | ({} if refund is None else _refund_facts(refund))
        await notify(coffer, session, _KINDS[happening], purchase.wallet_id, f"{happening}:{about}", facts)

    return effect


async def notify_low_balances(coffer: Coffer) -> None:
    """Have owners told of balances that fell below their mark; the spends themselves wrote the alerts."""
    async with coffer.database.transaction() as session:
        dips = await queries.untold_dips(session, SWEEP_ALERTS)
        for dip in dips:
            facts = {"available": f"{dip.available_credits:,}", "threshold": f"{dip.threshold:,}"}
            event = f"low balance:{dip.wallet_uuid}:{dip.sequence}"
            await notify(coffer, session, NotificationKind.LOW_BALANCE, dip.wallet_id, event, facts)
        await queries.told(session, [dip.id for dip in dips])


async def notify_recharge(coffer: Coffer, session: Session, row: Recharge | AutoRecharge, event: str) -> None:
    """Have the owner told of a step of an automatic recharge that asks for one."""
    if event not in _RECHARGE_KINDS:
        return
    facts: dict[str, Any] = {"event": event, "reason": None, "link": None, "total": None, "bought": None}
    # Turning off happens to the wallet, any number of times, and each is locked by its own transaction.
    about = f"{row.wallet_id}:{coffer.clock().isoformat()}"
    if isinstance(row, Recharge):
        about = str(row.uuid)
        facts |= {"reason": row.failure_reason, "link": row.approval_url}
        facts["total"] = format_money(row.total_minor, row.currency)
        bought = row.purchase_uuid and await purchase_queries.by_uuid(session, row.purchase_uuid)
        facts["bought"] = _facts(bought) if bought else None
    await notify(coffer, session, _RECHARGE_KINDS[event], row.wallet_id, f"recharge.{event}:{about}", facts)


async def notify_payout(coffer: Coffer, session: Session, row: PayoutTransfer) -> None:
    """Have the owner told what became of a payout's money."""
    amount = format_money(row.amount_minor, row.currency)
    facts: dict[str, Any] = {"event": row.status.name.lower(), "amount": amount, "credits": f"{row.credits:,}"}
    facts |= {"payout": f"pay_{row.hold_uuid.hex}", "utr": row.utr, "reason": row.failure_reason}
    event = f"payout.{facts['event']}:{row.uuid}"
    await notify(coffer, session, NotificationKind.PAYOUT, row.wallet_id, event, facts)


async def notify_end(coffer: Coffer, session: Session, row: CreditSubscription, was: SubscriptionStatus) -> None:
    """Have the owner told that a subscription ended, once; one that was never paid ends in silence unless asked to."""
    if row.cancel_asked_at is None and was not in RUNNING:
        return
    event = "asked" if row.cancel_asked_at else "unpaid" if was is SubscriptionStatus.PAST_DUE else "elsewhere"
    facts = {"event": event, "interval": row.interval.name.lower(), "subscription": f"sub_{row.uuid.hex}"}
    facts |= {"credits": f"{row.credits:,}", "total": format_money(row.quote.total_minor, row.currency)}
    await notify(coffer, session, NotificationKind.SUBSCRIPTION, row.wallet_id, f"subscription.ended:{row.uuid}", facts)


def _facts(row: Purchase) -> dict[str, Any]:
    """What the templates say of a purchase."""
    amounts = {"amount": row.amount_minor, "gst": row.gst_minor, "fee": row.platform_fee_minor}
    amounts["total"] = row.quote.total_minor
    money = {name: format_money(amount, row.currency) for name, amount in amounts.items()}
    return money | {"credits": f"{row.credits:,}", "purchase": f"pur_{row.uuid.hex}", "reason": row.failure_reason}


def _refund_facts(row: Refund) -> dict[str, Any]:
    return {"refunded": format_money(row.total_minor, row.currency), "refunded_credits": f"{row.credits:,}"}
