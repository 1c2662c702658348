"""Metrics and recorded usage over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain.permissions import Role
from tests.api.conftest import CREATE_WALLET, GRANT

if TYPE_CHECKING:
    from tests.api.client import Client
    from tests.api.conftest import Api

DEFINE = """mutation($input: DefineMetricInput!) {
  defineMetric(input: $input) { metric { key unit aggregation feature lateDays archivedAt } errors { code field } } }"""
EVENT = "metricKey walletId units member occurredAt recordedAt credits transactionId idempotencyKey metadata"
RECORD = f"""mutation($input: RecordUsageInput!) {{
  recordUsage(input: $input) {{ event {{ {EVENT} }} replayed errors {{ code field
    ... on UsageOutsideWindowError {{ earliest latest }} }} }} }}"""
CHARGE = f"""mutation($inputs: [ChargeUsageInput!]!) {{
  chargeUsageBatch(inputs: $inputs) {{ results {{ event {{ {EVENT} }} replayed errors {{ code }}
    transaction {{ id credits feature }} wallet {{ availableCredits }} }} }} }}"""
EVENTS = f"""query($id: ID!, $metric: String) {{
  usageEvents(walletId: $id, metricKey: $metric, first: 1) {{ nodes {{ {EVENT} }} pageInfo {{ hasNextPage }} }} }}"""
REPORT = """query($id: ID!) { usageReport(walletIds: [$id], groupBy: [METRIC, MEMBER]) {
  slices { keys units credits events } ...more } }
fragment more on UsageReport { metrics { key units credits } }"""
MINUTES = {"key": "MINUTES", "name": "Call minutes", "unit": "minutes", "category": "API", "feature": "API_HEAVY_QUERY"}


@pytest.fixture
async def owner(api: Api) -> Client:
    """An owner of a project with a metric of 5 credits a unit."""
    client = await api.client(Role.OWNER)
    await client.run(DEFINE, input=MINUTES)
    return client


async def wallet_of(owner: Client) -> str:
    """A wallet with 100 credits."""
    wallet = str((await owner.run(CREATE_WALLET, owner="maya"))["wallet"]["id"])
    await owner.run(GRANT, input={"walletId": wallet, "credits": 100, "reason": "r", "idempotencyKey": "g"})
    return wallet


def used(wallet: str, key: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The input of an event."""
    return {"walletId": wallet, "metricKey": "MINUTES", "units": 2, "idempotencyKey": key, **more}


async def test_usage_is_recorded_and_reported(owner: Client) -> None:
    """An event and a charge come back as they were sent, and the report adds them up by metric and member."""
    wallet = await wallet_of(owner)
    sent = used(wallet, "a", member="ana", metadata={"call": 1})
    event = (await owner.run(RECORD, input=sent))["event"]
    assert {name: event[name] for name in sent} == sent
    assert (event["credits"], event["transactionId"], event["occurredAt"]) == (None, None, event["recordedAt"])
    charged = (await owner.run(CHARGE, inputs=[used(wallet, "b"), used(wallet, "b"), used(wallet, "c", units=99)]))[
        "results"
    ]
    assert [result["replayed"] for result in charged] == [False, True, False]
    assert charged[0]["transaction"] == {
        "id": charged[0]["event"]["transactionId"],
        "credits": -10,
        "feature": "API_HEAVY_QUERY",
    }
    assert (charged[0]["event"], charged[0]["wallet"]) == (charged[1]["event"], {"availableCredits": 90})
    assert charged[2]["errors"] == [{"code": "INSUFFICIENT_CREDITS"}]
    report = await owner.run(REPORT, id=wallet)
    assert report["slices"] == [
        {"keys": ["MINUTES", ""], "units": 2, "credits": 10, "events": 1},
        {"keys": ["MINUTES", "ana"], "units": 2, "credits": 0, "events": 1},
    ]
    assert report["metrics"] == [{"key": "MINUTES", "units": 4, "credits": 10}]
    listed = await owner.run(EVENTS, id=wallet, metric="MINUTES")
    assert listed == {"nodes": [charged[0]["event"]], "pageInfo": {"hasNextPage": True}}


async def test_a_late_event_is_told_the_window(owner: Client) -> None:
    """An event from long ago is USAGE_OUTSIDE_WINDOW with the times between which it would be taken."""
    sent = used(await wallet_of(owner), "a", occurredAt="2020-01-01T00:00:00+05:30")
    refused = (await owner.run(RECORD, input=sent))["errors"][0]
    assert (refused["code"], refused["field"]) == ("USAGE_OUTSIDE_WINDOW", ["occurredAt"])
    assert refused["earliest"] < refused["latest"]


async def test_a_time_without_an_offset_is_refused(owner: Client) -> None:
    """Which day a local time means is not guessed."""
    sent = used(await wallet_of(owner), "a", occurredAt="2026-01-01T00:00:00")
    assert (await owner.run(RECORD, input=sent))["errors"][0]["code"] == "INVALID_INPUT"


async def test_metrics_are_defined_listed_and_archived(owner: Client) -> None:
    """A metric comes back as it was defined; archived, it is listed only on request."""
    (metric,) = await owner.run("{ metrics { key name unit category feature } }")
    assert metric == MINUTES
    archived = await owner.run('mutation { archiveMetric(key: "MINUTES") { metric { archivedAt } errors { code } } }')
    assert archived["metric"]["archivedAt"] is not None
    listed = [await owner.run(f"{{ metrics(archived: {flag}) {{ key }} }}") for flag in ("false", "true")]
    assert listed == [[], [{"key": "MINUTES"}]]
