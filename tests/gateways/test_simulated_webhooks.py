"""Which messages the simulated gateway believes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from gateways.base import WebhookEvent, WebhookRejected
from gateways.inbox import MAX_TEXT_CHARACTERS, TOLERANCE_SECONDS
from gateways.simulated import SimulatedGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "whsec_" + "5e" * 32
OLD_SECRET = "whsec_" + "01" * 32
FORGED_SECRET = "whsec_" + "ff" * 32
BODY = b'{"type": "payment.succeeded", "data": {"order_id": "sim_1", "amount": 602.00}}'
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    """A gateway in the middle of a rotation: messages under either secret are good."""
    opened = SimulatedGateway("http://127.0.0.1:9", [SECRET, OLD_SECRET])
    yield opened
    await opened.close()


def signed(
    body: bytes = BODY, *, secret: str = SECRET, event_id: str = "msg_1", age_seconds: float = 0
) -> dict[str, str]:
    """The headers of a message sent that long ago."""
    sent_at = int(time.time() - age_seconds)
    signature = Webhook(secret.encode()).sign(event_id, datetime.fromtimestamp(sent_at, UTC), body.decode("latin-1"))
    return {ID: event_id, TIMESTAMP: str(sent_at), SIGNATURE: signature}


def reason(gateway: SimulatedGateway, headers: dict[str, str], body: bytes = BODY) -> str:
    """Why a message is rejected."""
    with pytest.raises(WebhookRejected) as rejected:
        gateway.verify_webhook(headers, body)
    return rejected.value.reason


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_message_under_a_secret_in_force_is_good(gateway: SimulatedGateway, secret: str) -> None:
    """The current and the previous secret both verify, and the event is read."""
    event = gateway.verify_webhook(signed(secret=secret), BODY)
    assert event == WebhookEvent("msg_1", "payment.succeeded", "sim_1")


@pytest.mark.parametrize("secrets", [(SECRET, FORGED_SECRET), (FORGED_SECRET, SECRET)])
def test_one_good_signature_of_two_is_enough(gateway: SimulatedGateway, secrets: tuple[str, str]) -> None:
    """A sender that rotates its secret signs with both, in either order."""
    headers = signed(secret=secrets[0])
    headers[SIGNATURE] += " " + signed(secret=secrets[1])[SIGNATURE]
    assert gateway.verify_webhook(headers, BODY).event_id == "msg_1"


@pytest.mark.parametrize("age_seconds", [TOLERANCE_SECONDS - 5, 5 - TOLERANCE_SECONDS])
def test_a_message_within_the_tolerance_is_good(gateway: SimulatedGateway, age_seconds: float) -> None:
    """Clocks may differ, and messages may be late, by almost five minutes."""
    assert gateway.verify_webhook(signed(age_seconds=age_seconds), BODY).event_id == "msg_1"


@pytest.mark.parametrize(
    ("age_seconds", "expected"),
    [(TOLERANCE_SECONDS + 5, "too_old"), (86_400, "too_old"), (-TOLERANCE_SECONDS - 5, "too_new"), (-1e9, "too_new")],
)
def test_a_message_from_another_time_is_rejected(gateway: SimulatedGateway, age_seconds: float, expected: str) -> None:
    """A correctly signed message outside the tolerance is rejected, in the past and in the future."""
    assert reason(gateway, signed(age_seconds=age_seconds)) == expected


def test_a_forged_message_is_rejected(gateway: SimulatedGateway) -> None:
    """Another secret is no secret."""
    assert reason(gateway, signed(secret=FORGED_SECRET)) == "bad_signature"


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace(b"sim_1", b"sim_2"),
        BODY + b" ",
        orjson.dumps(orjson.loads(BODY)),
        b"",
    ],
    ids=["changed", "longer", "re-serialised", "empty"],
)
def test_other_bytes_than_the_signed_ones_are_rejected(gateway: SimulatedGateway, body: bytes) -> None:
    """The signature is over the raw bytes, so even the same JSON written otherwise is rejected."""
    assert reason(gateway, signed(), body) == "bad_signature"


@pytest.mark.parametrize("name", [ID, TIMESTAMP])
def test_a_changed_header_is_rejected(gateway: SimulatedGateway, name: str) -> None:
    """Id and timestamp are signed with the body."""
    changed = signed(event_id="msg_2", age_seconds=60)[name]
    assert reason(gateway, signed() | {name: changed}) == "bad_signature"


@pytest.mark.parametrize("name", [ID, TIMESTAMP, SIGNATURE])
def test_a_missing_header_is_rejected(gateway: SimulatedGateway, name: str) -> None:
    """All three headers are needed."""
    headers = signed()
    del headers[name]
    assert reason(gateway, headers) == "missing_header"


@pytest.mark.parametrize(
    "value",
    ["", "v1", "v1,", "v1,!", "v1,AAAA", "v1,é", "v2,AAAA", "v1a,AAAA", ",", " ", "v1,AA,AA", "v1,AAA"],
)
def test_a_mangled_signature_is_rejected(gateway: SimulatedGateway, value: str) -> None:
    """Whatever stands in the signature header, the answer is a rejection."""
    assert reason(gateway, signed() | {SIGNATURE: value}) in {"bad_signature", "malformed"}


@pytest.mark.parametrize("value", ["", "now", "-1", "1e9", "nan", "inf", "0x10", "1.5", "٣", "9" * 400, " 1"])
def test_a_mangled_timestamp_is_rejected(gateway: SimulatedGateway, value: str) -> None:
    """A timestamp is a few digits."""
    assert reason(gateway, signed() | {TIMESTAMP: value}) == "malformed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": 1}',
        b'{"type": null}',
        b'{"type": ""}',
        b'{"type": "a\\u0000b"}',
        b'{"type": "\\ud800"}',
        b'{"type": "a", "data": {"order_id": 5}}',
        b'{"type": "a", "data": {"order_id": ""}}',
        b'{"type": "' + b"x" * (MAX_TEXT_CHARACTERS + 1) + b'"}',
        b'{"type": ' + b"[" * 5_000,
    ],
)
def test_a_signed_body_that_is_no_event_is_rejected(gateway: SimulatedGateway, body: bytes) -> None:
    """Even the provider's own signature does not let nonsense, or what can't be stored, through."""
    assert reason(gateway, signed(body), body) == "malformed"


def test_bytes_that_are_no_text_are_rejected(gateway: SimulatedGateway) -> None:
    """A body that is not UTF-8 is rejected."""
    assert reason(gateway, signed(b"\xff\xfe"), b"\xff\xfe") == "malformed"


def test_an_event_id_that_is_too_long_is_rejected(gateway: SimulatedGateway) -> None:
    """The id becomes a key of the database, so its length is bounded."""
    assert reason(gateway, signed(event_id="m" * (MAX_TEXT_CHARACTERS + 1))) == "malformed"


@pytest.mark.parametrize("body", [b'{"type": "account.updated"}', b'{"type": "ping", "data": null}'])
def test_an_event_of_an_unknown_type_is_good(gateway: SimulatedGateway, body: bytes) -> None:
    """A type that Coffer does not know, and that speaks of no order, is for the worker to ignore."""
    assert gateway.verify_webhook(signed(body), body).order_id is None


@pytest.fixture(scope="module")
def lone_gateway() -> SimulatedGateway:
    """A gateway for many examples; it opens no connection."""
    return SimulatedGateway("http://127.0.0.1:9", [SECRET])


@given(
    headers=st.fixed_dictionaries({ID: st.text(), TIMESTAMP: st.text(), SIGNATURE: st.text()}),
    body=st.binary(max_size=200),
)
def test_nothing_but_a_rejection_comes_out(
    lone_gateway: SimulatedGateway, headers: dict[str, str], body: bytes
) -> None:
    """Arbitrary headers and bytes never raise anything else."""
    with pytest.raises(WebhookRejected):
        lone_gateway.verify_webhook(headers, body)


@given(signature=st.text(), body=st.binary(max_size=200))
def test_nothing_but_a_rejection_comes_out_in_time(lone_gateway: SimulatedGateway, signature: str, body: bytes) -> None:
    """Nor do they when the timestamp is good."""
    headers = {ID: "msg_1", TIMESTAMP: str(int(time.time())), SIGNATURE: signature}
    with pytest.raises(WebhookRejected):
        lone_gateway.verify_webhook(headers, body)


def test_an_empty_secret_is_refused() -> None:
    """A gateway without a secret can't be made, so verification can't be left out by mistake."""
    with pytest.raises(Exception, match="may not be empty"):
        SimulatedGateway("http://127.0.0.1:9", [""])
