"""I-63, hostile-inputs section 1: every public call, every argument, every bad value, one by one.

The answer is ``InvalidInput`` naming the field, before any write; never TypeError, KeyError,
OverflowError or RecursionError; and the text repeats neither the payload nor the number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

import grantcore as gc
from tests.robustness import hostile
from tests.robustness.arguments import ALL, ITERABLES, TARGETS, Target, one_of_each, parameters
from tests.robustness.calls import methods
from tests.robustness.worlds import World, new_world


def _fits_field(field: str, argument: str) -> bool:
    """The argument itself, or a part of it."""
    return field == argument or field.startswith(f"{argument}.")


def _tells_nothing(text: str, value: object) -> bool:
    """No payload, no number, no more than a line."""
    shown = ""
    if isinstance(value, str):
        shown = str.__str__(value)
    elif type(value) is int and 2**53 <= abs(value) < 10**100:
        shown = str(abs(value))
    return len(text) <= 300 and (len(shown) < 4 or shown not in text)


def _refusal(call: Callable[[], object]) -> gc.GrantError | None:
    try:
        call()
    except gc.GrantError as error:
        return error
    return None


def _wrong(world: World, target: Target, argument: str, value: object) -> str | None:
    arguments = {**target.good(world), argument: value}
    refusal = _refusal(partial(target.find(world), **arguments))
    if type(refusal) is not gc.InvalidInput:
        return f"not refused as malformed, but {type(refusal).__name__}"
    if not _fits_field(refusal.field, argument):
        return f"names the field {refusal.field}"
    return None if _tells_nothing(str(refusal), value) else "tells too much"


CASES = [(target, argument) for target in ALL for argument in target.forms]


@pytest.mark.parametrize(("target", "argument"), CASES, ids=[f"{t}-{a}" for t, a in CASES])
def test_bad_values_are_refused_by_field(target: Target, argument: str) -> None:
    """I-40, I-52, I-63, D-14."""
    bad = {label: value for label, value in hostile.VALUES.items() if not target.forms[argument](value)}
    world = one_of_each()
    digest = world.engine.digest()
    wrong = {label: _wrong(world, target, argument, value) for label, value in bad.items()}
    assert {label: text for label, text in wrong.items() if text} == {}
    assert world.engine.digest() == digest
    assert len(bad) >= 20


@pytest.mark.uncovered
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_good_call_is_good(target: Target) -> None:
    """The refusals above are due to the one bad argument."""
    world = one_of_each()
    target.find(world)(**target.good(world))
    world.engine.check()


def test_no_argument_of_any_call_is_left_out() -> None:
    """The table is complete: checked against the signatures."""
    world = one_of_each()
    for target in TARGETS:
        left_out = parameters(target, world) - target.forms.keys() - ITERABLES
        assert not left_out, target
    without_arguments = {"now_ms", "next_deadline_ms", "stats", "check", "digest", "snapshot"}
    assert methods() == {target.call for target in TARGETS} | without_arguments


@pytest.mark.parametrize("label", ["emoji", "NFD", "format", "dunder", "256 bytes", "digits", "hex"])
def test_odd_but_good_ids(label: str) -> None:
    """hostile-inputs section 1: identity is code points, nothing is folded, interpreted or formatted."""
    world, eid = new_world(), hostile.TEXTS[label]
    assert world.engine.create_execution(lane_id="main", execution_id=eid) == gc.Created(eid, "waiting")
    snapshot = world.engine.describe_execution(eid)
    assert snapshot is not None
    assert snapshot.execution_id == eid
    restored = gc.GrantEngine.restore(world.engine.snapshot(), clock=world.clock)
    assert restored.digest() == world.engine.digest()


def test_ids_are_not_folded() -> None:
    """hostile-inputs section 1: "A" vs "a", NFC vs NFD are different executions."""
    world = new_world()
    for eid in ("A", "a", "e\u0301", "\xe9"):
        assert isinstance(world.engine.create_execution(lane_id="main", execution_id=eid), gc.Created)


@pytest.mark.parametrize("text", [t for t in hostile.TEXTS.values() if hostile.REASON(t)])
def test_free_texts_are_kept_as_they_are(text: str) -> None:
    """SPEC 5: reasons are any text, empty ones included; they come back unchanged, by a snapshot as well."""
    world = new_world()
    world.engine.create_execution(lane_id="main", execution_id="e")
    world.engine.cancel_execution("e", reason=text, cancelled_by=text)
    restored = gc.GrantEngine.restore(world.engine.snapshot(), clock=world.clock)
    for engine in (world.engine, restored):
        snapshot = engine.describe_execution("e")
        assert snapshot is not None
        assert (snapshot.cancellation_reason, snapshot.cancelled_by) == (text or None, text or None)
