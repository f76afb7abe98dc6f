"""Every sequence of calls over one execution and two workers, to a depth (figure "small_scope").

The numbers of states and calls are pinned: a smaller search is a failure. A failure names the calls that lead
to it; breadth first, so there is no shorter way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from grantcore import GrantEngine, GrantError
from grantcore.engine.core import Core
from grantcore.engine.operator import Operator
from grantcore.testing.pair import Disagreement
from tests.proof.figures import FIGURES, Part
from tests.proof.small_scope import (
    SHOWN,
    Alphabet,
    Broken,
    Failure,
    Scope,
    Search,
    form,
    reduced,
    script,
    whole,
)

pytestmark = pytest.mark.uncovered

CI: Final = ((whole, 7, (12_749, 128_635)), (reduced, 8, (2_062, 13_373)))
"""Alphabet, depth, (states, calls); together, with the model, about 95 s of processor time."""

MODELLED: Final = 5
"""The depth to which the whole alphabet is compared with the model, too."""

NIGHTLY: Final = ((whole, 7), (reduced, 12))


def searched(alphabet: Alphabet, depth: int, **more: Any) -> Search:
    search = Search(alphabet, depth, **more)
    search.go()
    return search


@pytest.mark.parametrize(("alphabet", "depth", "counts"), [(whole, 3, (43, 237)), (reduced, 4, (38, 197))])
def test_a_shallow_search(alphabet: Alphabet, depth: int, counts: tuple[int, int]) -> None:
    search = searched(alphabet, depth, modelled=2)
    assert (search.nodes, search.edges) == counts


def compared_with_all(depth: int, left_out: frozenset[str]) -> tuple[set[object], Search, Search]:
    """The states found while these fields are told apart, but for the fields; and both searches."""
    found = set[object]()

    def told_apart(scope: Scope) -> object:
        found.add(form(scope, left_out))
        return form(scope, frozenset())

    apart = searched(whole, depth, merged=told_apart)
    return found, apart, searched(whole, depth, merged=lambda scope: form(scope, left_out))


@pytest.mark.parametrize("depth", [3, pytest.param(5, marks=pytest.mark.proof)])
def test_what_is_only_shown_decides_nothing(depth: int) -> None:
    """Told apart or not, the same states are found but for the fields; else merging would hide some."""
    found, apart, merged = compared_with_all(depth, SHOWN)
    assert found == merged.seen
    assert apart.nodes > merged.nodes


def test_what_decides_is_missed() -> None:
    """The comparison fails if a field that rules read is left out."""
    found, _, merged = compared_with_all(4, SHOWN | {"grant"})
    assert found > merged.seen


@pytest.mark.proof
@pytest.mark.parametrize(("alphabet", "depth", "counts"), CI)
def test_to_the_depth(alphabet: Alphabet, depth: int, counts: tuple[int, int]) -> None:
    with Part("small_scope", wanted=counts[1], seconds=600) as part:
        search = searched(alphabet, depth, modelled=MODELLED if alphabet is whole else 0)
        part.count(search.edges)
    assert (search.nodes, search.edges) == counts


def test_the_figure_is_the_sum() -> None:
    assert FIGURES["small_scope"].ci == sum(calls for _, _, (_, calls) in CI)


@pytest.mark.nightly
def test_deeper() -> None:
    with Part("small_scope", wanted=FIGURES["small_scope"].nightly, seconds=36_000) as part:
        for alphabet, depth in NIGHTLY:
            part.count(searched(alphabet, depth).edges)


# -- planted bugs --------------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def any_token_passes(patch: pytest.MonkeyPatch) -> None:
    """Whoever once held it may renew while somebody does (I-03)."""
    original = GrantEngine.renew_lease

    def renew(self: GrantEngine, lease: Any, *, lease_ttl_ms: int) -> object:
        return original(self, (*self.leases(), lease)[0], lease_ttl_ms=lease_ttl_ms)

    patch.setattr(GrantEngine, "renew_lease", renew)


def all_lapse_late(patch: pytest.MonkeyPatch) -> None:
    """One millisecond after the end (SPEC 3)."""
    original = Core._lapse
    patch.setattr(Core, "_lapse", lambda self, now, limit=None: original(self, now - 1, limit))


def anybody_takes(patch: pytest.MonkeyPatch) -> None:
    """A grant is taken by whoever has it (I-15)."""
    original = GrantEngine.take

    def take(self: GrantEngine, grant: Any, *, worker_id: str, **more: Any) -> object:
        held = self.describe_grant(grant.execution_id)
        return original(self, grant, worker_id=held.worker_id if held else worker_id, **more)

    patch.setattr(GrantEngine, "take", take)


def a_refused_block_stamps(patch: pytest.MonkeyPatch) -> None:
    """What is refused leaves a mark (I-40); only the whole alphabet has the call."""
    original = Operator.block

    def block(self: Operator, execution_id: str, **more: Any) -> object:
        try:
            return original(self, execution_id, **more)
        except GrantError:
            record = self._engine._store.records.get(execution_id)
            if record is not None:
                record.priority += 1
            raise

    patch.setattr(Operator, "block", block)


PLANTS: Final = (
    (any_token_passes, reduced, 6, "I-03"),
    (all_lapse_late, reduced, 2, "SPEC 3"),
    (anybody_takes, reduced, 2, "I-15"),
    (a_refused_block_stamps, whole, 3, "I-40"),
)
"""The bug, where it is found, in how many calls, and by which assertion."""


@pytest.mark.parametrize(("plant", "alphabet", "calls", "rule"), PLANTS)
def test_a_planted_bug_is_found(
    plant: Plant, alphabet: Alphabet, calls: int, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is meant to find it; the script fails alike when it is pasted, and not without the bug."""
    plant(monkeypatch)
    with pytest.raises(Failure, match=rf"^no seed: {rule}: ") as found:
        searched(alphabet, calls)
    failure = found.value
    assert len(failure.steps) == calls
    pasted = script(failure.steps)
    assert pasted in str(failure)
    with pytest.raises(Broken, match=rf"^{rule}: "):
        exec(pasted, {})  # noqa: S102 - it is what a reader would do
    monkeypatch.undo()
    exec(pasted, {})  # noqa: S102


def a_higher_priority(patch: pytest.MonkeyPatch) -> None:
    """One more than was asked for: nothing the engine says of itself is wrong."""
    original = GrantEngine.change_priority
    patch.setattr(GrantEngine, "change_priority", lambda self, name, value: original(self, name, value + 1))


def test_a_bug_that_only_the_model_sees_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, by the model."""
    a_higher_priority(monkeypatch)
    searched(whole, 2)
    with pytest.raises(Failure, match=r"^no seed: change_priority\n  new: engine 6, model 5") as found:
        searched(whole, 2, modelled=2)
    failure = found.value
    assert len(failure.steps) == 2
    assert failure.pasted in str(failure)
    with pytest.raises(Disagreement):
        exec(failure.pasted, {})  # noqa: S102
    monkeypatch.undo()
    exec(failure.pasted, {})  # noqa: S102
