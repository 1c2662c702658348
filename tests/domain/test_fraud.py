"""What makes a purchase doubtful, and how doubtful it has to be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fraud import POINTS, Facts, FraudSignal, findings, is_blocked, is_injection, score

CLEAN = Facts(50_000, ["order-2026-11-21", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"], "IN")
FACTS = st.builds(
    Facts,
    st.integers(0, 10**9),
    st.lists(st.text(max_size=30), max_size=3),
    st.sampled_from([None, "IN", "US", "T1"]),
    st.just("IN"),
    *[st.integers(0, 20)] * 4,
)


@pytest.mark.parametrize(
    ("change", "signals", "blocked"),
    [
        ({}, [], False),
        ({"amount_minor": 1_000_000}, [], False),
        ({"amount_minor": 1_000_001}, ["LARGE_AMOUNT"], False),
        ({"country": "US"}, ["FOREIGN_ADDRESS"], False),
        ({"country": None}, [], False),
        ({"amount_minor": 1_000_001, "country": "US"}, ["LARGE_AMOUNT", "FOREIGN_ADDRESS"], True),
        ({"texts": ["' OR 1=1"]}, ["INJECTION"], True),
        ({"recent_purchases": 9}, [], False),
        ({"recent_purchases": 10}, ["VELOCITY"], False),
        ({"recent_purchases": 10, "failed_purchases": 5}, ["VELOCITY", "REPEATED_FAILURES"], True),
        ({"failed_purchases": 4}, [], False),
        ({"device_wallets": 2, "card_wallets": 2}, [], False),
        ({"device_wallets": 3, "card_wallets": 3}, ["SHARED_DEVICE", "SHARED_CARD"], True),
        ({"card_wallets": 3, "country": "US"}, ["FOREIGN_ADDRESS", "SHARED_CARD"], True),
    ],
)
def test_each_signal_and_where_it_begins(change: dict[str, object], signals: list[str], *, blocked: bool) -> None:
    """Each signal at its border, alone and beside another one."""
    found = findings(replace(CLEAN, **change))  # type: ignore[arg-type]
    assert ([finding.signal.name for finding in found], is_blocked(found)) == (signals, blocked)


@pytest.mark.parametrize(("signal", "points"), [("LARGE_AMOUNT", 45), ("FOREIGN_ADDRESS", 30), ("INJECTION", 60)])
def test_the_points_of_the_business(signal: str, points: int) -> None:
    """What the business gave points for has those points."""
    assert POINTS[FraudSignal[signal]] == points


@pytest.mark.parametrize(
    "text",
    [
        "1' or '1'='1",
        "x') OR ('a'='a",
        "admin' --",
        "1 UNION SELECT password FROM users",
        "1 union all  select null",
        "1; DROP TABLE wallet",
        "1 and 1=1",
        "1'; waitfor delay '0:0:5'",
        "pg_sleep(10)",
        "id from information_schema.tables",
    ],
)
def test_an_attack_is_seen(text: str) -> None:
    """Usual attacks on a database are seen, in any case and spacing."""
    assert is_injection(text)


@pytest.mark.parametrize(
    "text",
    [
        "order-1",
        "O'Brien and sons",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0",
        "select your union: fast or cheap; update later",
        "invoice #42 -- second half",
        "Rock 'n' Roll and 'Blues'",
        "5f1d0a3c-6f1f-4f57-9a7e-0d1b0e9a2c11",
        "a=1&b=2",
    ],
)
def test_ordinary_texts_are_no_attack(text: str) -> None:
    """Names, agents, ids and sentences with the same words pass."""
    assert not is_injection(text)


@given(FACTS)
def test_points_add_up_and_decide(facts: Facts) -> None:
    """The score is the sum of the findings' own points, each signal counts once, and 50 blocks."""
    found = findings(facts)
    assert score(found) == sum(POINTS[finding.signal] for finding in found)
    assert len({finding.signal for finding in found}) == len(found)
    assert is_blocked(found) == (score(found) >= 50)


@given(FACTS, st.tuples(st.integers(0, 10**9), *[st.integers(0, 20)] * 4))
def test_worse_facts_never_score_less(facts: Facts, more: tuple[int, ...]) -> None:
    """With a larger amount and more of everything no signal goes away."""
    names = ("amount_minor", "recent_purchases", "failed_purchases", "device_wallets", "card_wallets")
    worse = replace(facts, **{name: getattr(facts, name) + plus for name, plus in zip(names, more, strict=True)})
    assert set(findings(facts)) <= set(findings(worse))


@given(st.text(alphabet="' or=1;-#/*()\"a", max_size=3_000))
def test_any_text_is_judged_in_time(text: str) -> None:
    """No text makes the pattern run away."""
    is_injection(text)
