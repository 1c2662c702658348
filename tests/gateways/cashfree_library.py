"""Judges our messages by Cashfree's own Python library: a program that runs in the library's own environment.

Each line of its input is a question, each line of its output the list of faults. A call of ours with its answer has
method, path, headers, body, status and answer: the library makes the same call and gets the same answer, and what it
refuses or leaves out is a fault. A message of a model has model and message, a webhook signature, body, timestamp and
secret.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import cashfree_pg
import urllib3
from cashfree_pg.api_client import ApiClient, Cashfree

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "https://sandbox.cashfree.com/pg"
CALLED = re.compile(r"'(/\S*)', '([A-Z]+)',\n")
ANSWERED = re.compile(r"'(\d{3})': \"(\w+)\"")
OF_THE_LIBRARY = {"accept", "user-agent", "x-sdk-platform"}
OUTAGE = 500
MISSING = "missing"


class Operation(NamedTuple):
    """A call of the library, read from its source: a model's name for each status of the answer."""

    name: str
    method: str
    path: re.Pattern[str]
    answers: dict[str, str]


class Line:
    """Takes the place of the library's connections: keeps what it sends, and answers as we were answered."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.sent: dict[str, Any] = {}
        self._call = call

    def request(self, method: str, url: str, **request: Any) -> Any:  # noqa: ANN401 - as urllib3 has it
        """Answer a request."""
        headers = {name.lower(): value for name, value in request["headers"].items() if value is not None}
        body = json.loads(request.get("body") or "null")
        self.sent = {"method": method, "path": url.removeprefix(HOST), "headers": headers, "body": body}
        return urllib3.HTTPResponse(json.dumps(self._call["answer"]).encode(), status=self._call["status"])


def operations() -> list[Operation]:
    """Every call that the library knows; paths without ids come first."""
    found = []
    for name, function in vars(Cashfree).items():
        source = inspect.getsource(inspect.unwrap(function)) if callable(function) else ""
        if called := CALLED.search(source):
            path = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", called[1]))
            found.append(Operation(name, called[2], path, dict(ANSWERED.findall(source))))
    return sorted(found, key=lambda one: one.path.groups)


def judge(known: list[Operation], question: dict[str, Any]) -> list[str]:
    """What is wrong with a call, a message of a model, or a signed message."""
    try:
        if "model" in question:
            read = getattr(cashfree_pg, question["model"]).from_dict(question["message"]).to_dict()
            return list(differences(question["model"], question["message"], read))
        if "signature" in question:
            client = Cashfree(Cashfree.SANDBOX, MISSING, question["secret"])
            client.PGVerifyWebhookSignature(question["signature"], question["body"], question["timestamp"])
            return []
        return list(judge_call(known, question))
    except Exception as fault:
        return [str(fault)]


def judge_call(known: list[Operation], call: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a call of ours."""
    if call["status"] >= OUTAGE:
        return  # whatever stands before Cashfree may have said that
    for operation in known:
        ids = operation.path.fullmatch(call["path"])
        if ids and operation.method == call["method"]:
            yield from compare(operation, {name: unquote(one) for name, one in ids.groupdict().items()}, call)
            return
    yield f"The library has no {call['method']} {call['path']}."


def compare(operation: Operation, ids: dict[str, str], call: dict[str, Any]) -> Iterator[str]:
    """Let the library make the call, and say what of ours it did not send or understand."""
    line = Line(call)
    understood = repeated(operation, ids, call, line)
    theirs = {name: one for name, one in line.sent["headers"].items() if name not in OF_THE_LIBRARY}
    ours = {name: one for name, one in call["headers"].items() if name.startswith("x-") or name in theirs}
    yield from differences(f"{operation.name} path", call["path"], line.sent["path"])
    yield from differences(f"{operation.name} headers", ours, theirs)
    yield from differences(f"{operation.name} body", call["body"], line.sent["body"])
    yield from differences(f"{operation.name} answer {call['status']}", call["answer"], understood)


def repeated(operation: Operation, ids: dict[str, str], call: dict[str, Any], line: Line) -> Any:  # noqa: ANN401 - JSON
    """What the library understands of the answer when it makes our call."""
    headers = call["headers"]
    client = Cashfree(Cashfree.SANDBOX, headers.get("x-client-id", MISSING), headers.get("x-client-secret", MISSING))
    client.XApiVersion = headers.get("x-api-version", MISSING)
    shared = ApiClient.get_default()
    shared.rest_client.pool_manager = line
    send = getattr(client, operation.name)
    parameters = inspect.signature(send).parameters
    arguments = {name: call["body"] for name in parameters if name.endswith("_request")}
    arguments |= {name: int(one) if "[int," in str(parameters[name].annotation) else one for name, one in ids.items()}
    try:
        answer = send(**arguments, x_idempotency_key=headers.get("x-idempotency-key")).data
    except cashfree_pg.ApiException:
        model = operation.answers.get(str(call["status"]), "")
        answer = getattr(cashfree_pg, model).from_dict(call["answer"]) if model else None
    return shared.sanitize_for_serialization(answer)


def differences(where: str, ours: Any, theirs: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Where two messages differ, an absent entry being as good as a null."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from differences(f"{where}.{name}", ours.get(name), theirs.get(name))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(f"{where}[{place}]", our, their)
    elif ours != theirs:
        yield f"{where}: ours is {ours!r}, the library's {theirs!r}"


def main() -> None:
    """Judge every line."""
    known = operations()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(judge(known, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
