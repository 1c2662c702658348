"""Media types of GraphQL over HTTP: what a client sends, and what it wants back."""

from __future__ import annotations

from typing import Final

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"


def is_json(content_type: str) -> bool:
    """Whether a body is JSON; no other type is read, since a page of another origin may send the simple ones."""
    return content_type.partition(";")[0].strip().lower() == JSON


def chosen_type(accept: str) -> str:
    """The type to answer with: the newer one for clients that name it and do not prefer the older one."""
    if GRAPHQL_RESPONSE not in accept:
        return JSON
    weights = dict(_weighed(part) for part in accept.split(","))
    newer = weights.get(GRAPHQL_RESPONSE, 0.0)
    return GRAPHQL_RESPONSE if newer and newer >= weights.get(JSON, 0.0) else JSON


def takes_json_alone(accept: str) -> bool:
    """Whether a client wants JSON and nothing that streams."""
    return EVENTS not in accept and "multipart/" not in accept


def also_json(accept: str) -> bool:
    """Whether a client that takes event streams takes JSON as well, and likes it no less."""
    weights = dict(_weighed(part) for part in accept.split(","))
    return max(weights.get(JSON, 0.0), weights.get(GRAPHQL_RESPONSE, 0.0)) >= weights.get(EVENTS, 1.0)


def _weighed(part: str) -> tuple[str, float]:
    """A media range and its q; what is not a number weighs nothing."""
    name, *parameters = (word.strip() for word in part.split(";"))
    weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return name.lower(), float(weight)
    except ValueError:
        return name.lower(), 0.0
