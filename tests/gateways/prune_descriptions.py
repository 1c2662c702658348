"""Cuts a provider's official OpenAPI description down to the calls that we make: a command, not a test.

python tests/gateways/prune_descriptions.py cashfree path/to/the/official.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PATHS = {
    "cashfree": [
        "/orders",
        "/orders/{order_id}",
        "/orders/{order_id}/payments",
        "/orders/{order_id}/refunds",
        "/orders/{order_id}/refunds/{refund_id}",
        "/payments/{cf_payment_id}/disputes",
    ],
    "cashfree-payouts": ["/beneficiary", "/transfers"],
    "polar": [
        "/v1/checkouts/",
        "/v1/checkouts/{id}",
        "/v1/orders/",
        "/v1/orders/{id}",
        "/v1/orders/{id}/finalize",
        "/v1/subscriptions/{id}",
        "/v1/refunds/",
        "/v1/disputes/",
    ],
}
UNDESCRIBED = {
    "cashfree": {
        "/recon": {"post": ("FetchReconRequest", "ReconEntity")},
        "/easy-split/vendors": {"post": ("CreateVendorRequest", "CreateVendorResponse")},
        "/easy-split/vendors/{vendor_id}": {
            "get": (None, "VendorEntity"),
            "patch": ("UpdateVendorRequest", "UpdateVendorResponse"),
        },
        "/easy-split/orders/{order_id}/split": {"post": ("SplitAfterPaymentRequest", "SplitAfterPaymentResponse")},
    },
}
"""Calls whose messages the description has, but not their paths: those are of the provider's documentation."""

SINGLE = {
    "cashfree": {
        "CreateVendorRequest": ["bank", "upi", "kyc_details"],
        "UpdateVendorRequest": ["bank", "upi", "kyc_details"],
    },
}
"""Lists in the description where the documentation's examples, like cashfree-pg 6, have one object."""

PROSE = {"example", "examples", "x-codeSamples", "x-readme", "x-mint", "externalDocs", "tags", "summary", "description"}
"""What validates nothing."""

VALUES = {"enum", "const", "default", "required"}


def without_prose(node: Any, *, names: bool = False) -> Any:  # noqa: ANN401 - JSON
    """The same without explanations; `names` says that the keys are names of properties, which all stay."""
    if isinstance(node, list):
        return [without_prose(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value if key in VALUES else without_prose(value, names=is_named(key, names))
        for key, value in node.items()
        if names or key not in PROSE or (key == "description" and is_response(node))
    }


def is_named(key: str, names: bool) -> bool:
    """Whether the keys below `key` are names and not words of OpenAPI."""
    return key in {"properties", "schemas", "patternProperties"} and not names


def is_response(node: dict[str, Any]) -> bool:
    """Whether a node is an answer, whose description OpenAPI demands."""
    return "content" in node or set(node) <= {"description", "headers", "$ref"}


def references(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every component that a node names."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/components/")
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


def operation(path: str, request: str | None, response: str) -> dict[str, Any]:
    """A call of which only the messages are described."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"in": "path", "name": name, "required": True, "schema": {"type": "string"}} for name in names]
    made: dict[str, Any] = {"parameters": parameters, "responses": {"200": answer(response), "default": ANY_ANSWER}}
    return made | ({"requestBody": {"required": True, **answer(request)}} if request else {})


def answer(schema: str) -> dict[str, Any]:
    """A message of a schema."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": "", "content": content}


ANY_ANSWER = {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}


def prune(official: dict[str, Any], paths: list[str], undescribed: dict[str, Any]) -> dict[str, Any]:
    """The description with those paths and the components that they need, directly or not."""
    kept = {path: without_prose(official["paths"][path]) for path in paths}
    kept |= {
        path: {method: operation(path, *messages) for method, messages in calls.items()}
        for path, calls in undescribed.items()
    }
    components: dict[str, dict[str, Any]] = {"securitySchemes": official["components"].get("securitySchemes", {})}
    waiting = set(references(kept))
    while waiting:
        section, _, name = waiting.pop().partition("/")
        if name not in components.setdefault(section, {}):
            components[section][name] = without_prose(official["components"][section][name])
            waiting |= set(references(components[section][name]))
    described = {"openapi": official["openapi"], "info": official["info"], "servers": official["servers"]}
    in_order = {section: dict(sorted(entries.items())) for section, entries in sorted(components.items())}
    return {**described, "paths": kept, "components": in_order}


def correct(official: dict[str, Any], single: dict[str, list[str]]) -> None:
    """Take out the lists around single properties."""
    for schema, names in single.items():
        properties = official["components"]["schemas"][schema]["properties"]
        properties |= {name: properties[name]["items"] for name in names}


def main() -> None:
    """Write descriptions/<provider>.json."""
    provider, source = sys.argv[1:]
    official = json.loads(Path(source).read_text())
    correct(official, SINGLE.get(provider, {}))
    pruned = prune(official, PATHS[provider], UNDESCRIBED.get(provider, {}))
    text = json.dumps(pruned, indent=1, ensure_ascii=False)
    (HERE / "descriptions" / f"{provider}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
