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
from tests.proof.figures import FIGURES, Part
from tests.proof.small_scope import Alphabet, Broken, Failure, Search, reduced, script, whole

CI: Final = ((whole, 6, (7_241, 54_560)), (reduced, 8, (2_903, 17_012)))
"""Alphabet, depth, (states, calls); together about 80 s of processor time."""

NIGHTLY: Final = ((whole, 7), (reduced, 10))


def searched(alphabet: Alphabet, depth: int) -> Search:
    search = Search(alphabet, depth)
    search.go()
    return search


@pytest.mark.parametrize(("alphabet", "depth", "counts"), [(whole, 3, (61, 287)), (reduced, 4, (44, 207))])
def test_a_shallow_search(alphabet: Alphabet, depth: int, counts: tuple[int, int]) -> None:
    search = searched(alphabet, depth)
    assert (search.nodes, search.edges) == counts


@pytest.mark.proof
@pytest.mark.parametrize(("alphabet", "depth", "counts"), CI)
def test_to_the_depth(alphabet: Alphabet, depth: int, counts: tuple[int, int]) -> None:
    with Part("small_scope", wanted=counts[1], seconds=600) as part:
        search = searched(alphabet, depth)
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
