"""The Cashfree Payouts client against a stand-in, with Prism checking every message by the official description."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from domain.payouts import BankDetails, BeneficiaryStatus
from domain.payouts import PayoutStatus as S
from gateways.base import EventKind, GatewayRefused, GatewayUnavailable
from gateways.cashfree_payouts import CashfreePayouts, read_event
from gateways.payouts import NewBeneficiary, TransferRequest
from tests.gateways.fake_cashfree_payouts import FakePayouts, account
from tests.gateways.prism import checked, needs_prism, obeying, serving, violations_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WHO = "c0ffee00c0ffee00c0ffee00c0ffee00"
REFERENCE = "0123456789abcdef0123456789abcdef"
BANK = NewBeneficiary(WHO, "Asha Rao", BankDetails("026291800001191", "YESB0000262"))
TRANSFER = TransferRequest(REFERENCE, WHO, 4_005, "INR", "Payout of credits")


@pytest.fixture
def provider() -> FakePayouts:
    """A new provider."""
    return FakePayouts()


@pytest.fixture(scope="module")
async def line() -> AsyncIterator[tuple[list[FakePayouts], str]]:
    """One Prism for all tests, before the provider that stands in the list's first place."""
    current = [FakePayouts()]

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await current[0].app()(scope, receive, send)

    async with serving(app) as upstream, checked("cashfree-payouts.json", upstream) as url:
        yield current, url


@pytest.fixture
async def gateway(provider: FakePayouts, line: tuple[list[FakePayouts], str]) -> AsyncIterator[CashfreePayouts]:
    """The client, whose every message has to follow the description."""
    line[0][0] = provider
    async with obeying(CashfreePayouts(account(line[1]))) as opened:
        yield opened


@needs_prism
@pytest.mark.parametrize("details", [BANK.details, BankDetails(vpa="asha@okbank")], ids=["account", "upi"])
async def test_a_beneficiary_is_made_known_once(
    provider: FakePayouts, gateway: CashfreePayouts, details: BankDetails
) -> None:
    """A second request for one reference finds the first."""
    statuses = [await gateway.create_beneficiary(replace(BANK, details=details)) for _ in range(2)]
    assert (statuses, list(provider.beneficiaries)) == ([BeneficiaryStatus.VERIFIED] * 2, [WHO])


@needs_prism
@pytest.mark.parametrize(
    ("said", "status"),
    [("INITIATED", BeneficiaryStatus.PENDING), ("INVALID", BeneficiaryStatus.REFUSED)],
)
async def test_a_beneficiary_is_read(
    provider: FakePayouts, gateway: CashfreePayouts, said: str, status: BeneficiaryStatus
) -> None:
    """Nothing is sent to one that is not verified."""
    await gateway.create_beneficiary(BANK)
    provider.beneficiaries[WHO]["beneficiary_status"] = said
    assert await gateway.create_beneficiary(BANK) is status


@needs_prism
async def test_an_account_that_no_bank_has_is_refused(gateway: CashfreePayouts) -> None:
    """The refusal has Cashfree's words."""
    with pytest.raises(GatewayRefused, match="IFSC is invalid"):
        await gateway.create_beneficiary(replace(BANK, details=BankDetails("026291800001191", "NONE0000000")))


@needs_prism
async def test_money_is_sent_once(provider: FakePayouts, gateway: CashfreePayouts) -> None:
    """The transfer has our reference and exact rupees, and asked for again it is the same one."""
    await gateway.create_beneficiary(BANK)
    first, second = [await gateway.send_transfer(TRANSFER) for _ in range(2)]
    assert (first, provider.posted) == (second, 1)
    assert (first.status, first.amount_minor, first.transfer_id) == (S.PENDING, 4_005, "123456")


@needs_prism
async def test_a_lost_answer_sends_nothing_again(provider: FakePayouts, gateway: CashfreePayouts) -> None:
    """After a 500 the call ends, and the next one reads what became of the first; so Cashfree asks."""
    await gateway.create_beneficiary(BANK)
    provider.loses_answers = True
    with pytest.raises(GatewayUnavailable):
        await gateway.send_transfer(TRANSFER)
    assert (await gateway.send_transfer(TRANSFER)).status is S.PENDING
    assert provider.posted == 1


@needs_prism
async def test_a_reference_that_was_taken_meanwhile_is_read(provider: FakePayouts, gateway: CashfreePayouts) -> None:
    """A transfer that could not be read before, but is there, is no refusal."""
    await gateway.create_beneficiary(BANK)
    await gateway.send_transfer(TRANSFER)
    provider.hides = True
    assert (await gateway.send_transfer(TRANSFER)).transfer_id == "123456"


@needs_prism
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("APPROVAL_PENDING", S.PENDING),
        ("SUCCESS", S.SUCCEEDED),
        ("FAILED", S.FAILED),
        ("REJECTED", S.FAILED),
        ("REVERSED", S.REVERSED),
    ],
)
async def test_a_transfer_is_read(provider: FakePayouts, gateway: CashfreePayouts, said: str, status: S) -> None:
    """Only what failed or came back has a reason; the banks' number comes with the money."""
    await gateway.create_beneficiary(BANK)
    await gateway.send_transfer(TRANSFER)
    provider.decide(said, transfer_utr="N87912312")
    told = await gateway.fetch_transfer(REFERENCE)
    assert (told.status, told.utr, told.failure_reason is None) == (status, "N87912312", status <= S.SUCCEEDED)


@needs_prism
async def test_a_refused_transfer_is_refused(gateway: CashfreePayouts) -> None:
    """Nobody is paid who was not made known; a transfer that is not there is an answer, too."""
    with pytest.raises(GatewayRefused, match="does not exist"):
        await gateway.send_transfer(TRANSFER)
    with pytest.raises(GatewayRefused, match="does not know"):
        await gateway.fetch_transfer(REFERENCE)


@needs_prism
async def test_wrong_credentials_fail_no_payout(line: tuple[list[FakePayouts], str]) -> None:
    """They are our own fault: the payout waits until the settings are right again."""
    opened = CashfreePayouts(replace(account(line[1]), secrets=["wrong"]))
    with pytest.raises(GatewayUnavailable, match="credentials"):
        await opened.send_transfer(TRANSFER)
    await opened.close()


@needs_prism
async def test_a_wrong_message_would_be_noticed(line: tuple[list[FakePayouts], str]) -> None:
    """Prism names what breaks the description, so the other tests mean something."""
    opened = CashfreePayouts(account(line[1]))
    violations = violations_of(opened._calls)  # noqa: SLF001 - the test listens on the line
    with pytest.raises((GatewayRefused, GatewayUnavailable)):
        await opened.create_beneficiary(replace(BANK, reference="b" * 51))
    await opened.close()
    assert "beneficiary_id" in violations[0]


def test_a_message_names_its_transfer() -> None:
    """Two outcomes of one transfer are two messages, and a batch's names no transfer of ours."""
    said = {"transfer_id": REFERENCE, "cf_transfer_id": "1", "status": "SUCCESS", "status_code": "SENT_TO_BENEFICIARY"}
    sent = read_event(orjson.dumps({"type": "TRANSFER_SUCCESS", "data": said, "event_time": "2026-11-21T17:43:37"}))
    back = read_event(orjson.dumps({"type": "TRANSFER_REVERSED", "data": said | {"status": "REVERSED"}}))
    batch = read_event(orjson.dumps({"type": "BULK_TRANSFER_REJECTED", "data": {"batch_transfer_id": "b"}}))
    assert {(event.kind, event.order_id) for event in (sent, back)} == {(EventKind.PAYOUT, REFERENCE)}
    assert sent.event_id != back.event_id
    assert (batch.kind, batch.order_id) == (EventKind.OTHER, None)
