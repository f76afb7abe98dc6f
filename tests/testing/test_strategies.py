"""What the strategies draw is what an engine under its usual limits accepts; ``from_type`` draws it too."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import grantcore as gc
from grantcore.testing import hypothesis_entry, strategies

QUICK: Final = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"

hypothesis_entry.register()


@QUICK
@given(strategies.ids(), strategies.policies(), strategies.claim_requests(), strategies.lease_ttls())
def test_a_whole_lifecycle_of_drawn_values(
    execution_id: str, policy: gc.ExecutionPolicy, request: gc.IssueClaimGrantRequest, lease_ttl_ms: int
) -> None:
    """Nothing drawn is refused as ``InvalidInput``, from the creation to the end."""
    engine = gc.GrantEngine(clock=gc.ManualClock())
    engine.create_execution(lane_id=request.lane_id, execution_id=execution_id, policy=policy)
    grant = engine.issue_claim_grant(execution_id, request)
    lease = engine.take(
        grant,
        worker_id=request.worker_id,
        worker_instance_id=request.worker_instance_id,
        lease_ttl_ms=lease_ttl_ms,
    )
    assert (grant.expires_at_ms, lease.expires_at_ms) == (request.grant_ttl_ms, lease_ttl_ms)
    engine.complete_execution(lease)
    engine.check()


@QUICK
@given(strategies.reclaim_requests(lane_id="main"))
def test_reclaim_requests_are_accepted(request: gc.IssueReclaimGrantRequest) -> None:
    clock = gc.ManualClock()
    engine = gc.GrantEngine(clock=clock)
    engine.create_execution(lane_id="main", execution_id="e")
    first = gc.IssueClaimGrantRequest(worker_id="w", worker_instance_id="i", lane_id="main", grant_ttl_ms=9)
    grant = engine.issue_claim_grant("e", first)
    engine.take(grant, worker_id="w", worker_instance_id="i", lease_ttl_ms=5)
    assert clock.jump_to_next_deadline(engine) == 5
    granted = engine.issue_reclaim_grant("e", request)
    assert granted == gc.Granted(gc.ReclaimGrant("e", 5 + request.grant_ttl_ms, "main"))


@QUICK
@given(strategies.capability_sets(), strategies.lanes(), st.data())
def test_a_worker_that_has_it_all_gets_it(needs: frozenset[str], lane_id: str, data: st.DataObject) -> None:
    engine = gc.GrantEngine(clock=gc.ManualClock())
    engine.create_execution(lane_id=lane_id, execution_id="e", required_capabilities=needs)
    worker = data.draw(strategies.workers(capabilities=st.just(needs)))
    ttl_ms = data.draw(strategies.grant_ttls())
    grant = gc.Scheduler(engine).claim_for_worker(worker, lanes=[lane_id], grant_ttl_ms=ttl_ms)
    assert grant == gc.ClaimGrant("e", ttl_ms)


@QUICK
@given(strategies.configs(), strategies.claim_grants() | strategies.resume_grants(), strategies.fences())
def test_what_no_engine_gave_is_refused_for_that_and_not_for_its_form(
    config: gc.EngineConfig, grant: gc.ClaimGrant | gc.ResumeGrant, fence: gc.Fence
) -> None:
    engine = gc.GrantEngine(clock=gc.ManualClock(), config=config)
    with pytest.raises(gc.ExecutionNotFound):
        engine.take(grant, worker_id="w", worker_instance_id="i", lease_ttl_ms=1)
    with pytest.raises(gc.ExecutionNotFound):
        engine.renew_lease(fence, lease_ttl_ms=1)


@pytest.mark.parametrize("kind", hypothesis_entry.NAMES)
def test_from_type_draws_each_class_that_is_registered(kind: type) -> None:
    """Two values at least, and by the strategy that is named, not by one guessed from the constructor."""

    @QUICK
    @given(st.from_type(kind))
    def draw(value: object) -> None:
        assert type(value) is kind
        seen.add(repr(value))

    seen: set[str] = set()
    draw()
    assert len(seen) > 1


@pytest.mark.uncovered
def test_without_it_from_type_guesses_wrong() -> None:
    """Why they are registered: constructors judge, and types do not tell what they want."""
    guessed = st.builds(gc.Worker, st.text(), st.text(), st.just(frozenset[str]()))
    with pytest.raises(gc.InvalidInput):
        find(guessed, lambda _: True, settings=QUICK)


def test_the_entry_points_are_declared() -> None:
    declared = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["entry-points"]
    module, name = declared["hypothesis"]["grantcore"].split(":")
    assert getattr(import_module(module), name) is hypothesis_entry.register
    assert declared["pytest11"] == {"grantcore": "grantcore.testing.plugin"}


@pytest.mark.uncovered
@pytest.mark.every_python
@pytest.mark.parametrize("first", ["hypothesis", "hypothesis_entry", "machine", "strategies"])
def test_whatever_is_imported_first(first: str) -> None:
    """``hypothesis`` runs the entry point while it is imported, perhaps by one of our own modules."""
    module = first if first == "hypothesis" else f"grantcore.testing.{first}"
    code = (
        f"import importlib; importlib.import_module({module!r})\n"
        "from grantcore.testing.hypothesis_entry import NAMES, register; register()\n"
        "from hypothesis import strategies as st\n"
        "for kind in NAMES: st.from_type(kind).validate()"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
