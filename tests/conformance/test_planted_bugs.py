"""A runner that finds nothing proves nothing: each of these bugs, planted alone, is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import pytest

from grantcore.engine import core
from grantcore.index import waiting
from grantcore.model import capabilities, leases, policy, records
from grantcore.model.grants import TERMS, WORKER_ID, Grant
from grantcore.model.phases import LEASE_REVOKED
from grantcore.rules import change, claiming, fencing, holding, pausing, suspending
from grantcore.rules.lapsing import LAPSES
from tests.conformance.kept import KEPT
from tests.conformance.runner import Mismatch, replay_file
from tests.conformance.trace_reader import Json

pytestmark = pytest.mark.uncovered

Plant = Callable[[pytest.MonkeyPatch], None]


def leases_live_a_moment_longer(patch: pytest.MonkeyPatch) -> None:
    """``expires_at_ms < now`` where it has to be ``<=``."""
    lapse = core.Core._lapse
    patch.setattr(core.Core, "_lapse", lambda self, now, limit=None: lapse(self, now - 1, limit))


def the_epoch_stands_still(patch: pytest.MonkeyPatch) -> None:
    make = claiming._lease

    def same_epoch(record: records.Execution, *rest: Json) -> leases.Lease:
        return attrs.evolve(make(record, *rest), lease_epoch=max(record.lease_epoch, 1))

    patch.setattr(claiming, "_lease", same_epoch)


def history_misses_an_event(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pausing, "note", lambda *_: None)


def the_delay_is_one_short(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(policy.Fixed, "delay_before_retry_ms", lambda self, _count: self.delay_ms - 1)


def one_retry_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(policy.RetryPolicy, "retries", lambda self, _category, count: count <= self.max_retries)


def capabilities_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(capabilities, "missing", lambda _required, _has: ())


def low_priority_is_served_first(patch: pytest.MonkeyPatch) -> None:
    def reversed_members(shelf: waiting.Shelf) -> Iterator[records.Execution]:
        for priority in sorted(shelf.lines):
            yield from shelf.lines[priority].members()

    patch.setattr(waiting.Shelf, "members", reversed_members)


def a_grant_can_be_used_twice(patch: pytest.MonkeyPatch) -> None:
    hold = claiming._hold

    def keep_grant(record: records.Execution, *rest: Json) -> None:
        grant = record.grant
        hold(record, *rest)
        record.grant = grant

    patch.setattr(claiming, "_hold", keep_grant)


def a_revoked_lease_is_accepted(patch: pytest.MonkeyPatch) -> None:
    held = fencing.held

    def accept(record: records.Execution, fence: leases.FenceParts) -> None:
        if record.phase is not LEASE_REVOKED:
            held(record, fence)

    patch.setattr(fencing, "held", accept)


def progress_is_not_stored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holding, "write_progress", lambda record, at_ms, *_: change.touch(record, at_ms))


def a_renewal_adds_to_the_old_end(patch: pytest.MonkeyPatch) -> None:
    renew = holding.renew

    def add(record: records.Execution, _now: int, *rest: Json) -> change.Change:
        return renew(record, record.expires_at_ms, *rest)

    patch.setattr(holding, "renew", add)


def any_worker_may_use_a_grant(patch: pytest.MonkeyPatch) -> None:
    check = claiming.with_grant

    def own_worker(record: records.Execution, now: int, given: Grant, worker_id: str) -> None:
        check(record, now, given, record.grant[TERMS][WORKER_ID] if record.grant else worker_id)

    patch.setattr(claiming, "with_grant", own_worker)


def a_suspended_attempt_loses_its_rest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(suspending, "rest_of", lambda _record, _now: None)


def a_suspension_without_a_timeout_ends(patch: pytest.MonkeyPatch) -> None:
    write = suspending.write_suspension

    def ending(record: records.Execution, at_ms: int, arguments: Json) -> None:
        write(record, at_ms, (*arguments[:2], arguments[2] or at_ms + 1, *arguments[3:]))

    patch.setattr(suspending, "write_suspension", ending)


BUGS: dict[Plant, tuple[str, str]] = {
    leases_live_a_moment_longer: ("lapse_is_stamped_with_the_deadline", "state.core.ownership_state"),
    the_epoch_stands_still: ("epoch_rises_to_twenty", "result.detail[1]"),
    history_misses_an_event: ("history_of_a_long_life", "events[0]"),
    the_delay_is_one_short: ("fail_retry_fixed", "state.core.delay_until"),
    one_retry_too_many: ("fail_retry_count_zero", "result.detail[0]"),
    capabilities_are_not_compared: ("grant_capability_mismatch", "result.code"),
    low_priority_is_served_first: ("priority_orders_with_creation_time", "views.next.('alpha', ())[0]"),
    a_grant_can_be_used_twice: ("claim_consumes_grant", "state.grant"),
    a_revoked_lease_is_accepted: ("revoked_holder_is_shut_out", "result.code"),
    progress_is_not_stored: ("progress_fields", "state.core.progress_pct"),
    a_renewal_adds_to_the_old_end: ("renew_counts_from_now", "result.detail[0]"),
    a_suspended_attempt_loses_its_rest: (
        "suspended_attempt_gets_the_rest_of_its_timeout",
        "views.next_deadline_ms",
    ),
    a_suspension_without_a_timeout_ends: ("suspend_reason_map", "views.next_deadline_ms"),
    any_worker_may_use_a_grant: ("claim_wrong_worker_leaves_grant", "result.code"),
}
"""Each bug, a trace that shows it, and one of the fields that are wrong there."""


def replayed(trace: str) -> tuple[Mismatch, ...]:
    return replay_file(KEPT / f"{trace}.jsonl").mismatches


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    trace, field = BUGS[plant]
    assert not replayed(trace)
    plant(monkeypatch)
    assert field in {mismatch.field for mismatch in replayed(trace)}


def test_a_late_stamp_is_found_by_the_lazy_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lapse = core.Core._lapse

    def stamp_with_now(self: core.Core, now: int, limit: int | None = None) -> int:
        late = {kind: lambda record, _at, n, rule=rule: rule(record, now, n) for kind, rule in LAPSES.items()}
        monkeypatch.setattr(core, "LAPSES", late)
        return lapse(self, now, limit)

    monkeypatch.setattr(core.Core, "_lapse", stamp_with_now)
    found = [
        mismatch for path in sorted(KEPT.glob("lapse_*.jsonl")) for mismatch in replay_file(path).mismatches
    ]
    assert {mismatch.mode for mismatch in found} == {"lazy"}
