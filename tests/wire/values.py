"""Any value of any class that has a JSON form: hypothesis strategies built from the types of the fields."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

import grantcore as gc
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.ids import PARTITIONS
from grantcore.model.time import MAX_MS
from grantcore.model.values import FrozenDict
from grantcore.wire import table

Any_ = st.SearchStrategy[Any]

IDS: Final = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x2FF, categories=["L", "N", "P", "S"]),
    min_size=1,
    max_size=8,
)
TEXTS: Final = st.text(st.characters(codec="utf-8"), max_size=8)
COUNTS: Final = st.integers(0, MAX_MS)
TTLS: Final = st.integers(1, MAX_TTL_MS)
SMALL: Final = st.integers(1, 1_000_000)
TOKENS: Final = st.lists(st.text("abc.:é", min_size=1, max_size=4), max_size=4)

NAMED: Final[Mapping[str, Any_]] = {
    "execution_id": IDS | IDS.map("{{fp:7}}:{}".format),
    "lane_id": st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=8),
    "worker_id": IDS,
    "worker_instance_id": IDS,
    "lease_id": IDS,
    "attempt_id": IDS,
    "index": st.integers(0, PARTITIONS - 1),
    "family": st.just("flow"),
    **dict.fromkeys(
        ("grant_ttl_ms", "attempt_timeout_ms", "initial_delay_ms", "max_delay_ms", "delay_ms"), TTLS
    ),
    **dict.fromkeys(("multiplier_permille", "max_retries", "max_reclaim_count", "max_replay_count"), SMALL),
    **{field.name: SMALL for field in attrs.fields(gc.EngineConfig) if field.name != "threadsafe"},
}
"""Fields of classes that judge them."""

PLAIN: Final[Mapping[object, Any_]] = {
    str: TEXTS,
    int: COUNTS,
    bool: st.booleans(),
    bytes: st.binary(max_size=8),
}


def of(hint: Any, name: str = "") -> Any_:
    """Values of a field."""
    if hint in table.TABLE or (isinstance(hint, type) and issubclass(hint, gc.GrantError)):
        return one_of_members(table.members(hint))
    if hint in PLAIN:
        return NAMED.get(name, PLAIN[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return st.one_of(*(st.none() if part is NoneType else of(part, name) for part in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return _tuples(arguments)
    if origin is Mapping:
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=3).map(FrozenDict)
    return st.sampled_from(list(hint))


def _tuples(arguments: tuple[Any, ...]) -> Any_:
    if arguments[-1] is ...:
        return st.lists(of(arguments[0]), max_size=3).map(tuple)
    return st.tuples(*map(of, arguments))


def one_of_members(kinds: tuple[type, ...]) -> Any_:
    return st.sampled_from(kinds).flatmap(instances)


@cache
def instances(kind: type[Any]) -> Any_:
    """Values of a class."""
    if issubclass(kind, gc.GrantError):
        hints = {n: h for n, h in get_type_hints(kind).items() if n not in ("code", "error_class")}
        return st.builds(kind, TEXTS, **{name: of(hint) for name, hint in hints.items()})
    hints = get_type_hints(vars(kind)["__init__"], vars(sys.modules[kind.__module__]))
    fields = [field for field in attrs.fields(kind) if field.init]
    return st.builds(kind, **{f.name: TOKENS if f.converter else of(hints[f.name], f.name) for f in fields})


def told(value: object) -> object:
    """A value taken apart, with its types: two are alike exactly if this is equal."""
    if isinstance(value, gc.GrantError):
        return (type(value), sorted(vars(value).items(), key=repr))
    if attrs.has(kind := type(value)):
        return (kind, [told(getattr(value, f.name)) for f in attrs.fields(kind) if f.init])
    if isinstance(value, Mapping):
        return ("mapping", [(told(key), told(entry)) for key, entry in value.items()])
    if isinstance(value, tuple):
        return ("tuple", [told(entry) for entry in value])
    return (type(value), value)
