"""Every sequence of calls over one execution and two workers, to a depth (figure "small_scope").

The numbers of states and calls are pinned: a smaller search is a failure. A failure names the calls that lead
to it; breadth first, so there is no shorter way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from grantcore import GrantEngine
from grantcore.engine.core import Core
from tests.proof.figures import FIGURES, Part
from tests.proof.small_scope import Search

DEPTH: Final = 7
NIGHTLY_DEPTH: Final = 9


def searched(depth: int) -> Search:
    search = Search(depth)
    search.go()
    return search


def test_a_shallow_search() -> None:
    search = searched(4)
    assert (search.nodes, search.edges) == (75, 207)


@pytest.mark.proof
def test_to_the_depth() -> None:
    with Part("small_scope", wanted=FIGURES["small_scope"].ci, seconds=600) as part:
        part.count(searched(DEPTH).edges)
    assert part.reached == FIGURES["small_scope"].ci


@pytest.mark.nightly
def test_deeper() -> None:
    with Part("small_scope", wanted=FIGURES["small_scope"].nightly, seconds=36_000) as part:
        part.count(searched(NIGHTLY_DEPTH).edges)


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


@pytest.mark.parametrize("plant", [any_token_passes, all_lapse_late])
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        searched(DEPTH)
