"""Mandates: asked for once, approved by the customer, followed to the end, and debited within their limit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from db import events as event_queries
from db import recharges as queries
from db.events import Message
from domain.errors import DomainError, InvalidInput, PaymentFailed
from domain.jobs import LONGEST_RETRY_SECONDS, Queue
from domain.pages import Page
from domain.recharges import MANDATE_LIMIT_MINOR, MethodKind, MethodStatus
from gateways.base import EventKind, GatewayRefused, Mandate, MandateRequest
from services import recharge_settings as settings_service
from services.jobs import list_jobs
from services.mandates import FOLLOW_UP_SECONDS, create_mandate
from services.requests import NewMandate, RechargeRequest
from services.saved_methods import list_methods
from tests.builders import wallet_with
from tests.services.recharge_steps import TERMS, Bank, dip, drain, history, with_bank

if TYPE_CHECKING:
    from db.models.ledger import Wallet
    from db.models.recharges import SavedMethod
    from domain.permissions import Actor
    from services.coffer import Coffer
    from tests.services.job_steps import Clock

PAGE = "https://bank.example.test/approve"


@dataclass
class MandateBank(Bank):
    """A provider of mandates, which the test approves for the customer."""

    mandates: dict[str, Mandate] = field(default_factory=dict)
    refuses: bool = False

    async def create_mandate(self, request: MandateRequest) -> Mandate:
        """Ask for one; the same reference gives the same one."""
        if self.refuses:
            raise GatewayRefused("No mandates for this number.")
        return self.mandates.setdefault(request.reference, Mandate(request.reference, MethodStatus.PENDING, PAGE))

    async def fetch_mandate(self, mandate_id: str) -> Mandate:
        """How one stands; Cashfree does not tell the page again."""
        return replace(self.mandates[mandate_id], approval_url=None)

    def decide(self, status: MethodStatus) -> None:
        """Let the customer decide."""
        self.mandates = {name: replace(one, status=status) for name, one in self.mandates.items()}


@pytest.fixture
def bank() -> MandateBank:
    """A new provider."""
    return MandateBank()


@pytest.fixture
def asking(timed: Coffer, bank: MandateBank) -> Coffer:
    """A process with that provider, under a clock that tests move."""
    return with_bank(timed, bank)


def request_for(wallet: Wallet, **changes: object) -> NewMandate:
    """A mandate of 500 rupees a debit."""
    request = NewMandate(wallet.uuid, 50_000, "asha@example.com", "9999999999", "m")
    return replace(request, **changes)  # type: ignore[arg-type]


async def methods(coffer: Coffer, actor: Actor, wallet: Wallet) -> list[SavedMethod]:
    """The wallet's saved methods."""
    return list(await list_methods(coffer, actor, wallet.uuid, Page(5, None)))


async def test_one_key_is_one_mandate(asking: Coffer, actor: Actor, bank: MandateBank) -> None:
    """It waits for its customer on the provider's page."""
    wallet = await wallet_with(asking, actor, 0)
    first, second = [await create_mandate(asking, actor, request_for(wallet)) for _ in range(2)]
    assert (first.uuid, first.status, first.approval_url) == (second.uuid, MethodStatus.PENDING, PAGE)
    assert (first.kind, first.limit_minor, len(bank.mandates)) == (MethodKind.MANDATE, 50_000, 1)


async def test_a_mandate_is_followed_until_it_is_approved(
    asking: Coffer, actor: Actor, bank: MandateBank, clock: Clock
) -> None:
    """Without any message the provider is asked, and the page is gone when the customer has been there."""
    wallet = await wallet_with(asking, actor, 0)
    await create_mandate(asking, actor, request_for(wallet))
    clock.move(FOLLOW_UP_SECONDS)
    assert await drain(asking) == ["mandate.follow_up retried"]
    bank.decide(MethodStatus.ACTIVE)
    clock.move(LONGEST_RETRY_SECONDS)
    await drain(asking)
    [row] = await methods(asking, actor, wallet)
    assert (row.status, row.approval_url) == (MethodStatus.ACTIVE, None)


async def test_a_message_tells_of_a_mandate_at_once(asking: Coffer, actor: Actor, bank: MandateBank) -> None:
    """Approved and later cancelled by the customer, each as the provider says when it is asked; the log shows both."""
    wallet = await wallet_with(asking, actor, 0)
    row = await create_mandate(asking, actor, request_for(wallet))
    for number, status in enumerate((MethodStatus.PENDING, MethodStatus.ACTIVE, MethodStatus.REMOVED)):
        bank.decide(status)
        message = Message("bank", f"e-{number}", "T", EventKind.MANDATE.value, row.method_id, b"{}")
        async with asking.database.transaction() as session:
            await event_queries.store(
                session, [message], (Queue.WEBHOOK_PROCESSING.value, "gateway.event"), asking.clock()
            )
        await drain(asking)
        async with asking.database.reading() as session:
            now = await queries.method_by_id(session, row.id)
        assert (now.status, now.approval_url) == (status, PAGE if status is MethodStatus.PENDING else None)
    async with asking.database.reading() as session:
        log = await event_queries.newest(session, actor.project_id, "bank", None, Page(5, None))
    assert [event.verdict for event in log] == ["mandate removed", "mandate active", "mandate pending"]


async def test_a_refused_mandate_says_why(asking: Coffer, actor: Actor, bank: MandateBank) -> None:
    """The provider's words come back."""
    bank.refuses = True
    with pytest.raises(PaymentFailed, match="this number"):
        await create_mandate(asking, actor, request_for(await wallet_with(asking, actor, 0)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"limit_minor": 14_999}, "limitMinor"),
        ({"limit_minor": MANDATE_LIMIT_MINOR + 1}, "limitMinor"),
        ({"phone": "99999"}, "phone"),
        ({"email": "nowhere"}, "email"),
    ],
)
async def test_what_no_mandate_can_have_is_refused(
    asking: Coffer, actor: Actor, bank: MandateBank, changes: dict[str, object], field: str
) -> None:
    """The refusal names the field, and nobody is asked."""
    wallet = await wallet_with(asking, actor, 0)
    with pytest.raises(DomainError) as refused:
        await create_mandate(asking, actor, request_for(wallet, **changes))
    assert (refused.value.field, bank.mandates) == ([field], {})


async def test_a_provider_without_mandates_is_refused(timed: Coffer, actor: Actor) -> None:
    """The refusal says how else to save a method."""
    wallet = await wallet_with(timed, actor, 0)
    with pytest.raises(InvalidInput, match="saveMethod"):
        await create_mandate(with_bank(timed, Bank()), actor, request_for(wallet))


@pytest.mark.parametrize(
    ("limit_minor", "state", "charges"), [(60_199, "AWAITING_APPROVAL", 0), (60_200, "SUCCEEDED", 1)]
)
async def test_no_debit_passes_the_mandate_s_limit(
    asking: Coffer, actor: Actor, bank: MandateBank, limit_minor: int, state: str, charges: int
) -> None:
    """602 rupees above the limit wait on a page for the customer, in place of a debit that the bank would refuse."""
    wallet = await wallet_with(asking, actor, 210)
    method = await create_mandate(asking, actor, request_for(wallet, limit_minor=limit_minor))
    async with asking.database.transaction() as session:
        found = await queries.mandate(session, "bank", method.method_id)
        assert found is not None
        found.status = MethodStatus.ACTIVE
    await settings_service.enable(asking, actor, RechargeRequest(wallet.uuid, method.uuid, 200, TERMS))
    await drain(asking)
    await dip(asking, actor, wallet)
    await drain(asking)
    [row] = await history(asking, actor, wallet)
    assert (row.state.name, bank.calls) == (state, charges)
    assert not [job for job in await list_jobs(asking, actor, None, Page(50, None)) if job.state.name == "DEAD"]
