"""Whatever a call takes, answers or tells has a form, and every tag is pinned (SPEC 9)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import NoneType
from typing import Any, Final, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grantcore as gc
from grantcore import events, wire
from grantcore.wire import table
from tests.wire.test_round_trip import KINDS, named
from tests.wire.values import instances

# -- what has a form -------------------------------------------------------------------------------

WITHOUT: Final = {
    "FenceGuard": "state of the resource it protects",
    "Fenced": "a protocol; what has it, a Lease or a Fence, has a form",
    "GrantBackend": "a protocol",
    "GrantEngine": "holds the state; snapshot() is its form",
    "IdSource": "a way to ask for ids",
    "ManualClock": "a clock",
    "NewExecution": "a shape of mappings",
    "Operator": "a face of an engine",
    "Scheduler": "a view of an engine",
    "Subscription": "a tie to an observer in this process",
    "SystemClock": "a clock",
}
"""The public classes that are no values, and what they are instead."""


def has_form(kind: object) -> bool:
    try:
        wire._form(kind)
    except gc.InvalidInput as refused:
        assert refused.field == "kind"
        return False
    return True


def without_form(public: dict[str, object]) -> set[str]:
    """The public classes that have no form."""
    return {name for name, kind in public.items() if isinstance(kind, type) and not has_form(kind)}


def public(module: Any) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


def test_every_public_value_has_a_form() -> None:
    """The list above is exact: what is in it has none, what is not has one."""
    assert without_form(public(gc)) == set(WITHOUT)
    assert without_form(public(events)) == set()


def test_a_class_without_a_form_is_found() -> None:
    @attrs.frozen
    class Novelty:
        execution_id: str

    class Surprise(events.Event):
        pass

    found = without_form({"Novelty": Novelty, "Surprise": Surprise, "Lease": gc.Lease, "Phase": gc.Phase})
    assert found == {"Novelty", "Surprise"}


def calls() -> Iterator[tuple[str, Any]]:
    """Every public method of the engine, the operator and the scheduler."""
    for face in (gc.GrantEngine, gc.Operator, gc.Scheduler):
        for name, call in inspect.getmembers(face, callable):
            if not name.startswith("_"):
                yield f"{face.__name__}.{name}", call


@pytest.mark.parametrize(("name", "call"), list(calls()), ids=[name for name, _ in calls()])
def test_every_answer_has_a_form(name: str, call: Any) -> None:
    answer = get_type_hints(call)["return"]
    ties = (NoneType, gc.GrantEngine, gc.Operator, gc.Subscription)
    assert has_form(answer) or answer in ties, name


# -- tags ----------------------------------------------------------------------------------------

TAGS: Final = {
    "status": """
        added already_satisfied blocked cancelled completed created delayed duplicate grant_not_found granted
        hard_breach lease lease_lost marked moved not_reclaimable not_registered priority_changed
        reclaim_cap_exceeded reclaimed refreshed refused registered replayed resumed retry_scheduled revoked
        suspended terminal_failed unblocked usage_applied
        """,
    "event": """
        attempt_timed_out became_due blocked budget_created budget_released budget_reset cancelled
        capability_mismatched children_awaited children_done completed created deadline_passed delayed failed
        grant_issued grant_lapsed grant_withdrawn lane_configured lane_drained lane_paused lane_resumed
        lease_acquired lease_lapsed lease_reclaimed lease_renewed lease_revoked priority_changed
        progress_reported purged quota_policy_created reclaim_cap_reached replayed resumed
        retry_scheduled spend_recorded suspended suspension_timed_out
        tags_changed unblocked usage_reported worker_lapsed worker_marked_dead
        worker_refreshed worker_registered
        """,
    "type": "exponential fixed",
    "kind": "claim reclaim resume",
    "code": """
        budget_exceeded budget_not_found capability_mismatch clock_error concurrency_limit_exceeded
        execution_not_active execution_not_eligible execution_not_found execution_not_in_eligible_set
        execution_not_leaseable execution_not_reclaimable execution_not_suspended execution_not_terminal
        fence_required forked grant_already_exists instance_reassigned invalid_blocking_reason
        invalid_capabilities invalid_claim_grant invalid_input invalid_tag_key invariant_broken lane_draining
        lane_paused lease_expired lease_revoked limit_exceeded max_replays_exhausted not_a_resumed_execution
        not_blocked_by_deps not_runnable partial_fence_triple quota_policy_not_found rate_limit_exceeded
        reentrant snapshot_invalid stale_lease use_claim_resumed_execution worker_not_found
        """,
}


def test_every_tag_is_pinned() -> None:
    told_apart: dict[str, list[str]] = {}
    for tag in table.TABLE.values():
        if tag is not None:
            told_apart.setdefault(tag.key, []).append(tag.name)
    assert {key: sorted(names) for key, names in told_apart.items()} == {
        key: sorted(names.split()) for key, names in TAGS.items()
    }


@pytest.mark.uncovered
@pytest.mark.parametrize("kind", [k for k in KINDS if table.TABLE[k] is not None], ids=named)
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_the_tag_stands_where_the_table_says(kind: Any, data: st.DataObject) -> None:
    tag = table.TABLE[kind]
    written: Any = wire.to_json(data.draw(instances(kind)))
    assert tag is not None
    assert written.get(tag.key) == (tag.name if tag.always else None)
