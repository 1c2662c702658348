"""The cases of webhooks and their verdicts, which docs/gateways.md shows.

python -m tests.gateways.webhook_cases          prints the table
python -m tests.gateways.webhook_cases --write  writes it into docs/gateways.md
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from tests.gateways.signed_messages import FORGED, NEW, OLD, PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.gateways.signed_messages import Provider

PAGE: Final = Path(__file__).parents[2] / "docs" / "gateways.md"
START, END = "<!-- webhook cases -->\n", "<!-- end of webhook cases -->\n"
MEGABYTE: Final = 1_048_576
LIMIT: Final = 256 * 1024

Sent = tuple[bytes, dict[str, str]]


@dataclass(frozen=True)
class Case:
    """A kind of message: the deliveries that it takes, and the verdict on the last one.

    `kept` says whether a row of it is there afterwards; a case without deliveries does not exist at that provider.
    """

    title: str
    deliveries: Callable[[Provider, str], Sequence[Sent]]
    answer: int = 200
    error: str | None = None

    @property
    def kept(self) -> bool:
        """Whether it is stored, once."""
        return self.error is None


def _signed(*secrets: str, ages: Sequence[float] = (0,)) -> Callable[[Provider, str], list[Sent]]:
    """A good body under each secret and at each age."""

    def make(provider: Provider, event_id: str) -> list[Sent]:
        body = provider.body(event_id)
        return [(body, provider.sign(body, secret, age, event_id)) for secret in secrets for age in ages]

    return make


def _aged(beyond_seconds: int) -> Callable[[Provider, str], list[Sent]]:
    """A good message that is so much older than its provider's window."""
    return lambda provider, event_id: _signed(NEW, ages=[provider.longest_seconds + beyond_seconds])(provider, event_id)


def _other(change: Callable[[bytes], bytes]) -> Callable[[Provider, str], list[Sent]]:
    """Another body than the one that was signed."""

    def make(provider: Provider, event_id: str) -> list[Sent]:
        [(body, headers)] = _signed(NEW)(provider, event_id)
        assert change(body) != body
        return [(change(body), headers)]

    return make


def _of(body: Callable[[Provider, str], bytes]) -> Callable[[Provider, str], list[Sent]]:
    """A body of its own, well signed."""

    def make(provider: Provider, event_id: str) -> list[Sent]:
        content = body(provider, event_id)
        return [(content, provider.sign(content, NEW, 0, event_id))]

    return make


def _without_headers(provider: Provider, event_id: str) -> list[Sent]:
    """A good message for each header, without it."""
    [(body, headers)] = _signed(NEW)(provider, event_id)
    return [(body, {key: value for key, value in headers.items() if key != name}) for name in provider.headers]


def _two_signatures(provider: Provider, event_id: str) -> list[Sent]:
    """A message with a strange signature and one under the previous secret."""
    if provider.join is None:
        return []
    body, last = provider.body(event_id), provider.headers[-1]
    strange, good = [provider.sign(body, secret, 0, event_id)[last] for secret in (FORGED, OLD)]
    return [(body, provider.sign(body, NEW, 0, event_id) | {last: provider.join(strange, good)})]


def _filled(size_bytes: int) -> Callable[[Provider, str], bytes]:
    return lambda provider, event_id: provider.body(event_id).ljust(size_bytes)


def _again(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)


CASES: Final = {
    "valid": Case("valid", _signed(NEW)),
    "previous_secret": Case("under the previous secret, during a rotation", _signed(OLD)),
    "two_signatures": Case("with two signatures, during a rotation", _two_signatures),
    "late": Case("late, but within the window (5 minutes, Cashfree 1 hour)", _aged(-20)),
    "duplicate": Case("delivered again, signed anew", _signed(NEW, ages=[60, 0])),
    "unknown_type": Case("of an unknown type", _of(lambda provider, event_id: provider.unknown(event_id))),
    "largest": Case("of 256 KiB", _of(_filled(LIMIT))),
    "wrong_secret": Case("signed with another secret", _signed(FORGED), 400, "bad_signature"),
    "changed_body": Case("body changed", _other(lambda body: body.replace(b"602", b"603")), 400, "bad_signature"),
    "re_serialised": Case("the same JSON in other bytes", _other(_again), 400, "bad_signature"),
    "old": Case("older than the window", _aged(20), 400, "too_old"),
    "future": Case("more than 5 minutes in the future", _signed(NEW, ages=[-320]), 400, "too_new"),
    "missing_header": Case("without a header of the signature", _without_headers, 400, "missing_header"),
    "non_utf_8": Case("not UTF-8, though well signed", _of(lambda *_: b"\xff\xfe"), 400, "malformed"),
    "empty": Case("empty, though well signed", _of(lambda *_: b""), 400, "malformed"),
    "no_object": Case("no JSON object, though well signed", _of(lambda *_: b"[]"), 400, "malformed"),
    "megabyte": Case("of a megabyte, though well signed", _of(_filled(MEGABYTE)), 413, "too_large"),
}


def table() -> str:
    """The table as Markdown: a row for each case, a column for each provider."""
    rows = [["message", *PROVIDERS], ["---"] * (len(PROVIDERS) + 1)]
    rows += [[case.title, *(_verdict(case, provider) for provider in PROVIDERS.values())] for case in CASES.values()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _verdict(case: Case, provider: Provider) -> str:
    if not case.deliveries(provider, "x"):
        return "-"
    return f"{case.answer} `{case.error}`" if case.error else f"{case.answer}, kept once"


def main() -> None:
    """Print the table, or write it into the page."""
    if sys.argv[1:] != ["--write"]:
        sys.stdout.write(table())
        return
    before, _, rest = PAGE.read_text().partition(START)
    PAGE.write_text(before + START + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
