"""Payouts whose money a provider sends."""

from datetime import datetime

import strawberry

from schema.enums import BeneficiaryStatus, PayoutStatus
from schema.errors import UserError
from schema.publishing import accepted, published
from schema.scalars import Credits
from schema.types.money import money_field
from schema.types.nodes import Node, id_field
from schema.types.wallets import Wallet


@published
class Beneficiary(Node):
    """An account to which credits of a wallet may be paid out; the provider keeps its number."""

    status: BeneficiaryStatus
    """Whether money can be sent to it."""
    gateway: str
    """The provider that sends it."""
    name: str
    """Whose account it is."""
    label: str
    """The end of its number and its IFSC, or the beginning of its UPI address."""
    created_at: datetime
    """When it was made known."""
    id: strawberry.ID = id_field("ben")
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""


@published
class PayoutTransfer(Node):
    """A payout whose money Coffer has a provider send, and its credits with it."""

    status: PayoutStatus
    """Where its money stands."""
    gateway: str
    """The provider that sends it."""
    credits: Credits
    """The credits that it pays out."""
    reason: str
    """Why, in the words of who asked for it."""
    utr: str | None
    """The banks' own number of the money, once it is sent."""
    failure_reason: str | None
    """Why it failed or came back."""
    created_at: datetime
    """When it was asked for."""
    completed_at: datetime | None
    """When it succeeded, failed or came back."""
    id: strawberry.ID = id_field("ptr")
    payout_id: strawberry.ID = id_field("pay", "hold_uuid")
    """The payout, which has the credits."""
    beneficiary_id: strawberry.ID = id_field("ben", "beneficiary_uuid")
    """To whom."""
    wallet_id: strawberry.ID = id_field("wal", "wallet_uuid")
    """The wallet."""
    amount = money_field("amount_minor")
    """What is sent: the credits at their list price."""


@accepted
class BeneficiaryInput:
    """An account to make known: a bank account with its IFSC, or a UPI address."""

    wallet_id: strawberry.ID
    """The wallet whose credits may be paid out to it."""
    name: str
    """Whose account it is, as at the bank: letters and spaces."""
    account_number: str | None = strawberry.UNSET
    """The bank account's number; Coffer passes it on and keeps its last four characters."""
    ifsc: str | None = strawberry.UNSET
    """The bank's code, with an account number."""
    vpa: str | None = strawberry.UNSET
    """A UPI address, in place of an account."""
    idempotency_key: str
    """Your name for this beneficiary; sent again while it is PENDING, the provider is asked again."""
    gateway: str | None = strawberry.UNSET
    """The provider that sends the money; the first configured one by default."""


@accepted
class RequestPayoutInput:
    """Credits to pay out in money."""

    wallet_id: strawberry.ID
    """The wallet."""
    beneficiary_id: strawberry.ID
    """One of its `beneficiaries`."""
    credits: Credits
    """How many; they are locked at once."""
    reason: str
    """Why; kept with the payout."""
    idempotency_key: str
    """Your name for this payout."""


@published
class BeneficiaryPayload:
    """The beneficiary, or why nothing was done."""

    beneficiary: Beneficiary | None = None
    """The beneficiary after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""


@published
class RequestPayoutPayload:
    """The payout and its wallet, or why nothing was done."""

    transfer: PayoutTransfer | None = None
    """The payout's money; null when it was refused."""
    wallet: Wallet | None = None
    """The wallet after the act; null when it was refused."""
    errors: list[UserError]
    """Why it was refused; empty when it was done."""
