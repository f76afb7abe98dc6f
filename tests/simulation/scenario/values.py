"""Data of scenarios, made from the table of keys: right ones, and values that are wrong for a key."""

from __future__ import annotations

import math
import string
from datetime import date
from typing import Any

from hypothesis import strategies as st

from grantcore.simulation.scenario.forms import Choice, File, Flag, Form, Maybe, Name, Real, Whole
from grantcore.simulation.scenario.keys import SCENARIO
from grantcore.simulation.scenario.mixes import Choices, Lane, Priority, Tokens, Weights
from grantcore.simulation.scenario.tables import Array, Kinds, Table

Values = st.SearchStrategy[Any]

WORDS = st.text(string.ascii_letters + string.digits + "-_.:/", min_size=1, max_size=12)
NO_VALUE: tuple[Any, ...] = (math.nan, math.inf, -math.inf, -1, 10**400, b"", object(), {1: 2}, [[]], "\0")
"""Wrong for every key."""


def right(form: Form | Table | Kinds | Array) -> Values:
    """Give values that stand in a file for this form."""
    match form:
        case Whole():
            return st.integers(form.low, form.high)
        case Real():
            return st.floats(form.low, form.high, exclude_min=form.above) | st.sampled_from([form.high])
        case Choice():
            return st.sampled_from(form.options)
        case Flag():
            return st.booleans()
        case Name() | File() | Lane():
            return WORDS
        case Priority():
            return st.integers(0, form.high).map(str)
        case Maybe():
            return st.none() | right(form.form)
        case Choices():
            return st.lists(st.sampled_from(form.options), unique=True)
        case Tokens():
            return st.lists(WORDS, max_size=3)
        case Weights():
            weights = st.dictionaries(right(form.by), st.floats(0, 1e9), min_size=1, max_size=3)
            return weights.filter(lambda table: any(table.values()))
        case _:
            return table_of(form)


def table_of(form: Any) -> Values:
    """Give tables with some of their keys."""
    match form:
        case Table():
            keys = {name: right(entry.form) for name, entry in form.entries.items()}
            required = {name: keys.pop(name) for name in form.required}
            return st.fixed_dictionaries(required, optional=keys)
        case Kinds():
            tables: list[Values] = [
                st.builds(dict, table_of(table), kind=st.just(kind)) for kind, table in form.tables.items()
            ]
            return st.sampled_from(tables).flatmap(lambda table: table)
        case Array():
            return st.lists(table_of(form.table), min_size=1, max_size=2)
    raise AssertionError(form)


def wrong(form: Form) -> list[Any]:
    """Give values that this form does not take."""
    form = form.form if isinstance(form, Maybe) else form
    others: list[Any] = [value for value in NO_VALUE if not (isinstance(form, File) and value == -1)]
    match form:
        case Whole():
            others += [
                form.low - 1,
                form.high + 1,
                True,
                float(form.low),
                str(form.low),
                [],
                date(2026, 1, 1),
            ]
        case Real():
            others += [form.low - 0.001, form.high * 1.001, False, str(form.low), {}]
            others += [form.low] if form.above else []
        case Choice():
            others += ["", form.options[0].upper(), [form.options[0]]]
        case Choices():
            others += ["processors", ["none"], [form.options[0]] * 2, [form.options[0], 1]]
        case Flag():
            others += [0, 1, "true"]
        case Name() | File():
            others += ["", "x" * 5_000, [], True]
        case Tokens():
            others += ["gpu", ["a b"], [""], ["a,b"], [1], ["x" * 257], [f"t{n}" for n in range(257)]]
        case Weights():
            others += [{}, [], {"1": 0}, {"": 1}, {"x" * 65: 1}, {"é": 1}, {"1": -1}, {"1": "1"}, {"1": True}]
            others += [{str(n): 1 for n in range(1_001)}]
        case _:
            raise AssertionError(form)
    return others


def _mended(data: Any) -> Any:
    """Take away what would contradict itself."""
    load = data.get("workload", {})
    load["mean_run_ms"], load["max_run_ms"] = sorted(
        [load.get("mean_run_ms", 240_000), load.get("max_run_ms", 86_400_000)]
    )
    if load.get("kind", "synthetic") != "synthetic":
        del load["mean_run_ms"], load["max_run_ms"]
    for row in load.get("requirements", [])[:1]:
        row["weight"] += 1 - row["weight"] / 1e9
    for number, group in enumerate(data.get("workers", [])):
        group |= {"name": f"{group.get('name', 'w')}-{number}", "count": min(group.get("count", 1), 50_000)}
    if "workers" in data:
        data["workers"][0].pop("capabilities", None)
    if "scheduler" in data:
        ttl_ms = data.get("leases", {}).get("grant_ttl_ms", 10_000)
        data["scheduler"]["delivery_ms"] = data["scheduler"].get("delivery_ms", 0) % ttl_ms
    return data


SCENARIOS: Values = table_of(SCENARIO).map(_mended)
"""Data of scenarios that are right."""

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(NO_VALUE)
_NAMES = st.sampled_from(
    ["kind", *SCENARIO.entries, "jobs", "path", "lanes", "requirements", "weight", "count", "crash"]
)
JUNK: Values = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)
"""Anything that might come out of a parser, and some things that never do."""
