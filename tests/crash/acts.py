"""What the clients of a crash run ask for: endless scripts of acts, drawn from a seed, each with a key of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DONE: Final = "wallet { sequence availableCredits } errors { code message }"
_MOVED: Final = "replayed transaction { sequence balanceBefore balanceAfter }"
_HELD: Final = "hold { id credits }"
_SPEND: Final = f"mutation($input: ConsumeInput!) {{ act: consume(input: $input) {{ {_MOVED} {_DONE} }} }}"
_GRANT: Final = f"mutation($input: GrantInput!) {{ act: grantCredits(input: $input) {{ {_MOVED} {_DONE} }} }}"
_HOLD: Final = f"mutation($input: HoldInput!) {{ act: hold(input: $input) {{ {_HELD} {_DONE} }} }}"
_CAPTURE: Final = (
    "mutation($hold: ID!, $key: String!, $credits: Credits, $final: Boolean) { act: captureHold(holdId: $hold,"
    f" idempotencyKey: $key, credits: $credits, final: $final) {{ {_HELD} {_DONE} }} }}"
)
_RELEASE: Final = (
    "mutation($hold: ID!, $key: String!) { act: releaseHold(holdId: $hold, idempotencyKey: $key)"
    f" {{ {_HELD} {_DONE} }} }}"
)
PRICES: Final = {"API_BASIC_REQUEST": 1, "API_HEAVY_QUERY": 5, "API_EXPORT_DATA": 20, "MEDIA_OPTIMIZATION": 3}
SPENDS_SHARE: Final = 0.7
GRANTS_SHARE: Final = 0.1
"""The rest are holds, captured in part or in full, or released."""

MAX_HOLD_CREDITS: Final = 50


@dataclass
class Act:
    """One mutation, sent with the same key until it is answered; `credits` is how it changes what the wallet owns.

    `unanswered` counts the times that it reached a server, for all that the client knows, and no answer came.
    """

    kind: str
    key: str
    wallet: str
    document: str
    variables: Mapping[str, Any]
    credits: int
    hold: str | None = None
    unanswered: int = 0
    answer: Mapping[str, Any] | None = None


def script(seed: str, wallets: Sequence[str]) -> Iterator[Act]:
    """The acts of one client: the same ones for the same seed. A hold must be answered before the next is drawn."""
    chance = random.Random(seed)
    for number in count():
        key, wallet, kind = f"{seed}-{number}", chance.choice(wallets), chance.random()
        if kind < SPENDS_SHARE:
            yield spend(key, wallet, chance.choice(list(PRICES)), chance.randint(1, 3))
        elif kind < SPENDS_SHARE + GRANTS_SHARE:
            yield grant(key, wallet, chance.randint(1, 100))
        else:
            yield from _hold_story(chance, key, wallet)


def spend(key: str, wallet: str, feature: str, quantity: int) -> Act:
    """A spend of a feature."""
    words = {"walletId": wallet, "feature": feature, "quantity": quantity, "idempotencyKey": key}
    return Act("spend", key, wallet, _SPEND, {"input": words}, -PRICES[feature] * quantity)


def grant(key: str, wallet: str, credits: int) -> Act:
    """A grant of bonus credits."""
    words = {"walletId": wallet, "credits": credits, "reason": "a crash run", "idempotencyKey": key}
    return Act("grant", key, wallet, _GRANT, {"input": words}, credits)


def _hold_story(chance: random.Random, key: str, wallet: str) -> Iterator[Act]:
    credits, ending = chance.randint(1, MAX_HOLD_CREDITS), chance.random()
    words = {"walletId": wallet, "credits": credits, "idempotencyKey": key}
    held = Act("hold", key, wallet, _HOLD, {"input": words}, 0)
    yield held
    assert held.answer, "the next act was drawn before the hold was answered"
    hold = held.answer["hold"]["id"]
    if ending < 1 / 3:
        variables = {"hold": hold, "key": f"{key}-end"}
        yield Act("release", f"{key}-end", wallet, _RELEASE, variables, 0, hold)
        return
    spent = credits if ending < 2 / 3 else chance.randint(1, credits)
    variables = {"hold": hold, "key": f"{key}-end", "credits": spent, "final": True}
    yield Act("capture", f"{key}-end", wallet, _CAPTURE, variables, -spent, hold)
