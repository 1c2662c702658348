"""For each field of the roots: a document that asks for everything below it, and values for its variables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

from schema.root import schema

SCHEMA = schema._schema  # noqa: SLF001 - graphql-core's own schema
ROOTS = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type, "subscription": SCHEMA.subscription_type}
ITEMS_BELOW = 2
"""Items of each list inside the answer: lists of lists cost their product."""

CAPPED = {"caps", "removeCap"}
TODAY = datetime.now(UTC).date()
KINDS = (
    "wallet",
    "other",
    "purchase",
    "subscription",
    "hold",
    "beneficiary",
    "vendor",
    "payout",
    "gift",
    "cap",
    "transaction",
    "spend",
    "lot",
    "apiKey",
    "job",
)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from([-1, 0, 2**31, 2**53, 2**63 - 1, 2**63, 10**30])
    | st.sampled_from(["", " ", "\x00", "\ud800", "2026-13-01", "0001-01-01T00:00:00Z", "@wallet", "job_0", "txn_"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
"""What fits hardly anywhere."""

FITTING: dict[str, st.SearchStrategy[Any]] = {
    "Boolean": st.booleans(),
    "Int": st.integers(1, 100),
    "Float": st.floats(0, 100),
    "BigInt": st.integers(1, 20),
    "Credits": st.integers(1, 20),
    "String": st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=20),
    "Date": st.dates(date(2025, 1, 1), date(2026, 12, 31)).map(str),
    "DateTime": st.datetimes(datetime(2035, 1, 1), datetime(2036, 1, 1)).map(lambda at: f"{at.isoformat()}Z"),  # noqa: DTZ001
    "JSON": st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=2),
    "accountNumber": st.none(),
    "after": st.none(),
    "amountMinor": st.integers(15_000, 20_000),
    "by": st.sampled_from(["DAY", "WEEK", "MONTH"]),
    "groupBy": st.sampled_from(["FEATURE", "MEMBER", "DAY"]),
    "feature": st.sampled_from(["AI_SUMMARY", "API_BASIC_REQUEST", "CREATE_COMMUNITY", "EMAIL_SEND"]),
    "from": st.integers(1, 30).map(lambda days: str(TODAY - timedelta(days))),
    "to": st.just(str(TODAY)),
    "email": st.just("asha@example.com"),
    "gateway": st.just("simulated"),
    "ifsc": st.none(),
    "idempotencyKey": st.uuids().map(str),
    "member": st.sampled_from(["anna", "ravi"]),
    "name": st.sampled_from(["Asha Rao", "R Iyer"]),
    "pan": st.just("ABCDE1234F"),
    "phone": st.just("9999999999"),
    "packCode": st.sampled_from(["PACK_150", "PACK_500"]),
    "timeZone": st.sampled_from(["Asia/Kolkata", "America/New_York", "UTC"]),
    "vpa": st.just("asha@upi"),
}
"""What fits, by the name of an argument or else of its scalar."""

EITHER = frozenset({"amountMinor", "packCode"})
"""Exactly one of them says how much to buy."""


def document(kind: str, name: str) -> str:
    """The operation of one field of a root, with a variable for each argument and everything that it can answer."""
    field = field_of(kind, name)
    variables = ", ".join(f"${each}: {argument.type}" for each, argument in field.args.items())
    arguments = ", ".join(f"{each}: ${each}" for each in field.args)
    given = (f"({variables})", f"({arguments})") if field.args else ("", "")
    return f"{kind}{given[0]} {{ {name}{given[1]} {everything(field.type)} }}"


def variables(kind: str, name: str, *, odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Values for the arguments of a field: all fit, or some are odd. @wallet stands for the id of a wallet."""
    field = field_of(kind, name)
    values = {each: _value(argument.type, each, name, odd=odd) for each, argument in field.args.items()}
    required = {each for each, argument in field.args.items() if is_required_argument(argument)}
    return _filled(values, required, odd=odd)


def field_of(kind: str, name: str) -> GraphQLField:
    """The field of a root."""
    root = ROOTS[kind]
    assert root is not None
    field: GraphQLField = root.fields[name]
    return field


def everything(type_: Any) -> str:  # noqa: ANN401 - any type of graphql-core
    """A selection of all that a type has; nothing for a leaf."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if not is_abstract_type(named):
        return f"{{ __typename {' '.join(_selected(name, field) for name, field in named.fields.items())} }}"
    types = SCHEMA.get_possible_types(named)
    parts = [f"... on {each.name} {{ {' '.join(_told_apart(each, types))} }}" for each in types]
    return f"{{ __typename {' '.join(parts)} }}"


def seen(data: Any) -> set[str]:  # noqa: ANN401 - JSON
    """The names of the types in an answer."""
    if isinstance(data, list):
        return set().union(*map(seen, data))
    if not isinstance(data, dict):
        return set()
    return {data.get("__typename", "")}.union(*map(seen, data.values()))


def _selected(name: str, field: GraphQLField) -> str:
    size = f"(first: {ITEMS_BELOW})" if "first" in field.args else ""
    return f"{name}{size} {everything(field.type)}"


def _told_apart(type_: GraphQLObjectType, among: Any) -> list[str]:  # noqa: ANN401 - object types
    """The fields of one of several types, with names of their own where the types of the fields differ."""
    texts = []
    for name, field in type_.fields.items():
        kinds = {str(each.fields[name].type) for each in among if name in each.fields}
        alias = f"{name}Of{type_.name}: " if len(kinds) > 1 else ""
        texts.append(alias + _selected(name, field))
    return texts


def _value(type_: Any, name: str, within: str, *, odd: bool) -> st.SearchStrategy[Any]:  # noqa: ANN401
    fitting = _present(get_nullable_type(type_), name, within, odd=odd)
    return st.one_of(fitting, fitting, ODD) if odd else fitting


def _present(type_: Any, name: str, within: str, *, odd: bool) -> st.SearchStrategy[Any]:  # noqa: ANN401
    if isinstance(type_, GraphQLList):
        items = _value(type_.of_type, name, within, odd=odd)
        return st.lists(items, max_size=3) if odd else st.lists(items, min_size=1, max_size=2, unique_by=repr)
    if isinstance(type_, GraphQLInputObjectType):
        values = {each: _value(field.type, each, within, odd=odd) for each, field in type_.fields.items()}
        required = {each for each, field in type_.fields.items() if is_required_input_field(field)}
        return _filled(values, required, odd=odd)
    if isinstance(type_, GraphQLEnumType):
        return FITTING.get(name, st.sampled_from(list(type_.values)))
    if type_.name == "ID":
        return st.sampled_from([f"@{kind}" for kind in _meant(name, within)])
    return FITTING.get(name, FITTING[type_.name])


def _filled(
    values: dict[str, st.SearchStrategy[Any]], required: set[str], *, odd: bool
) -> st.SearchStrategy[dict[str, Any]]:
    """An object of these values, with or without those that it may lack; an odd one may lack any, or have too many."""
    if not odd and values.keys() >= EITHER:
        return st.one_of(
            [_filled(_without(values, other), required | EITHER - {other}, odd=odd) for other in sorted(EITHER)]
        )
    needed = set() if odd else required
    return st.fixed_dictionaries(
        {name: value for name, value in values.items() if name in needed}, optional=_without(values, *needed)
    )


def _without(values: dict[str, st.SearchStrategy[Any]], *names: str) -> dict[str, st.SearchStrategy[Any]]:
    return {name: value for name, value in values.items() if name not in names}


def _meant(name: str, within: str) -> list[str]:
    """What kinds of object an id may be of: as its own name says, or that of the field."""
    if name == "transactionId":
        return ["transaction", "spend"]
    if within in CAPPED:
        return ["cap" if name == "capId" else "frozen"]
    if name.removesuffix("s") == "walletId":
        return ["wallet", "other"]
    for text in (name, within):
        named = [kind for kind in KINDS if kind.lower() in text.lower()]
        if named:
            return named
    return list(KINDS)
