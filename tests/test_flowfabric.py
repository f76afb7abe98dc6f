"""docs/flowfabric.md has a line for every call, and GrantBackend the calls that both offer (SPEC 1, 9)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, get_type_hints

import pytest

import grantcore as gc
from tests.backend import as_backend, work_off

PAGE: Final = Path(__file__).parent.parent / "docs" / "flowfabric.md"

_WORDS: Final = """
    block_execution_for_admission buffer_signal_for_pending_waitpoint cancel_execution change_priority
    check_admission claim_execution claim_resumed_execution close_waitpoint complete_execution create_budget
    create_execution create_pending_waitpoint create_quota_policy delay_execution deliver_signal
    expire_execution expire_suspension fail_execution heartbeat_worker issue_claim_grant
    issue_grant_and_claim issue_reclaim_grant mark_lease_expired_if_due mark_worker_dead
    move_to_waiting_children promote_blocked_to_eligible promote_delayed reclaim_execution record_spend
    register_worker release_admission release_budget renew_lease replay_execution report_usage_and_check
    reset_budget resume_execution revoke_lease set_execution_tags suspend_execution unblock_execution
    update_progress
    """
FUNCTIONS: Final = frozenset(_WORDS.split())
"""FlowFabric's, as the reference calls them."""

ROUTES: Final = frozenset({"POST /v1/executions/{id}/reclaim"})
"""All that the specification names; nothing is known of others."""

OWN: Final = frozenset({"lease_expiry", "worker_leases", "eligible"})
"""Indexes of the reference."""


class Row:
    """A line of the first table."""

    def __init__(self, cells: list[str]) -> None:
        self.call, self.there, self.both, self.differs = cells
        self.name = self.call.strip("`")
        self.quoted = set(re.findall("`(.*?)`", self.there))


def table(text: str, title: str) -> list[list[str]]:
    """The cells of the table under a title."""
    section = text.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def rows() -> list[Row]:
    return [Row(cells) for cells in table(PAGE.read_text(encoding="utf-8"), "Calls")]


def public_calls(faces: Iterable[type] = (gc.GrantEngine, gc.Operator, gc.Scheduler)) -> set[str]:
    return {
        f"{face.__name__}.{name}"
        for face in faces
        for name, _ in inspect.getmembers(face, callable)
        if not name.startswith("_")
    }


# -- the page ------------------------------------------------------------------------------------


def test_every_public_call_has_one_line() -> None:
    names = [row.name for row in rows()]
    assert len(names) == len(set(names))
    assert set(names) == public_calls()


def test_a_call_without_a_line_is_found() -> None:
    class Novel(gc.Scheduler):
        def novelty(self) -> None:
            pass

    assert public_calls([Novel]) - {row.name.replace("Scheduler.", "Novel.") for row in rows()} == {
        "Novel.novelty"
    }


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_only_known_functions_and_routes_are_named(row: Row) -> None:
    assert row.quoted <= FUNCTIONS | ROUTES | OWN
    assert row.there


def test_every_function_of_the_reference_has_its_place() -> None:
    text = PAGE.read_text(encoding="utf-8")
    offered = set[str]().union(*(row.quoted for row in rows()))
    missing = {
        name
        for cells in table(text, "Functions that grantcore does not offer")
        for name in cells[0].split(", ")
    }
    absent = {name.strip("`") for name in missing}
    assert offered - OWN - ROUTES | absent == FUNCTIONS
    assert not offered & absent
    assert {row.name for row in rows() if row.quoted & ROUTES} == {"GrantEngine.issue_reclaim_grant"}


def test_the_table_says_what_is_in_the_protocol() -> None:
    told = {row.name.removeprefix("GrantEngine.") for row in rows() if row.both == "yes"}
    assert {row.both for row in rows()} == {"yes", "-"}
    assert told == {name for name in vars(gc.GrantBackend) if not name.startswith("_")}
    assert all(row.there != "-" for row in rows() if row.both == "yes")


# -- the protocol --------------------------------------------------------------------------------

BOTH: Final = [name for name in vars(gc.GrantBackend) if not name.startswith("_")]
ONLY_HERE: Final = {"create_execution": {"quota_policy_id", "budget_ids"}, "register_worker": {"max_leases"}}
"""Parameters that no call of the reference has."""


def same_call(promised: Callable[..., Any], given: Callable[..., Any], more: set[str]) -> bool:
    """Parameters in their order, kinds, types and result are alike, less ``more``."""
    hints, ours = get_type_hints(promised), get_type_hints(given)
    here = inspect.signature(given).parameters
    there = inspect.signature(promised).parameters
    return (
        list(there) == [name for name in here if name not in more]
        and all(there[name].kind is here[name].kind for name in there)
        and all(
            (there[name].default is there[name].empty) is (here[name].default is here[name].empty)
            for name in there
        )
        and hints == {name: hint for name, hint in ours.items() if name not in more}
    )


@pytest.mark.parametrize("name", BOTH)
def test_an_engine_offers_what_the_protocol_promises(name: str) -> None:
    """Beside mypy and pyright, which read tests/backend.py: nothing is wider than it need be."""
    promised, given = getattr(gc.GrantBackend, name), getattr(gc.GrantEngine, name)
    assert same_call(promised, given, ONLY_HERE.get(name, set()))


def test_another_call_is_told_apart() -> None:
    engine = gc.GrantEngine
    assert same_call(engine.renew_lease, engine.renew_lease, set())
    assert not same_call(engine.renew_lease, engine.renew_leases, set())
    assert not same_call(engine.claim_execution, engine.claim_resumed_execution, set())
    assert not same_call(gc.GrantBackend.create_execution, engine.create_execution, set())


def test_a_worker_that_knows_the_protocol_only() -> None:
    engine = gc.GrantEngine(clock=gc.ManualClock())
    engine.create_execution(lane_id="main", execution_id="a", required_capabilities=["gpu"])
    request = gc.IssueClaimGrantRequest(
        worker_id="w",
        worker_instance_id="w-1",
        lane_id="main",
        grant_ttl_ms=1_000,
        worker_capabilities=["gpu"],
    )
    work_off(as_backend(engine), "a", request, str.encode)
    assert engine.read_result("a") == b"a"
