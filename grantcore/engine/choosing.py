"""Choosing: which execution a worker is granted next (SPEC 7).

In a lane it is the best head over the open shelves whose requirements the worker satisfies. Whether a shelf
is open is asked of ``rules/admission.py``, the same question that an issue asks: what is chosen here is
granted. An execution that was taken over as often as its policy allows is ended when it is reached (D-05),
and the choice goes on.

Over several lanes, either the first that has such a head, or *smooth weighted round robin*: every lane that
has one gains its weight in credit, the greatest credit wins (the first given, where two are equal) and
pays the sum of the weights that were gained. Credits sum up to nothing, so none can grow without bound:
with n lanes of weights that sum up to W, a lane of weight w that has work is served at least once in
``(n + 1) * W / (2 * w) + 1`` choices. Credits are part of the state, and stored with the grant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import attrs

from grantcore.engine.core import TIDYING, Core
from grantcore.index.lazy import SLACK
from grantcore.index.lines import rank
from grantcore.index.tallies import INSTANCE_ID
from grantcore.index.waiting import Shelf, Tokens
from grantcore.model.errors import (
    CapabilityMismatch,
    CooperativeError,
    ExecutionNotInEligibleSet,
    ExecutionNotReclaimable,
    GrantError,
    MisuseError,
    RetryableError,
)
from grantcore.model.events import CapabilityMismatched, ReclaimCapReached
from grantcore.model.grants import (
    EXPIRES_AT_MS,
    ClaimGrant,
    Grant,
    GrantKind,
    ReclaimGrant,
    ResumeGrant,
    Terms,
)
from grantcore.model.lanes import LaneStatus
from grantcore.model.outcomes import NotReclaimable
from grantcore.model.records import CLAIM, RECLAIM, RESUME, Execution
from grantcore.model.requests import GrantRequest, IssueReclaimGrantRequest
from grantcore.rules import admission, granting
from grantcore.rules.granting import Credits

Lanes = tuple[str, ...] | Mapping[str, int]
"""Lanes in order, or with their weights."""

Found = tuple[Execution, Credits]
"""Who was chosen, and what that leaves each lane in credit."""

KINDS: Final = frozenset(GrantKind)
PAUSED: Final = LaneStatus.PAUSED
WAITING: Final = frozenset({CLAIM, RESUME})


@attrs.define(eq=False)
class Seeker:
    """Who seeks work: on which terms, with which tokens, of which kinds."""

    terms: Terms
    has: Tokens
    kinds: frozenset[GrantKind] = KINDS


def grant_next(core: Core, now: int, seeker: Seeker, lanes: Lanes, ttl_ms: int) -> Grant | None:
    """Grant the best execution there is for a worker, or answer None. O(fitting shelves of the lanes)."""
    while (found := _found(core, now, seeker, lanes)) is not None:
        record, credited = found
        kind = record.next_kind
        capped = granting.cap(record, now) if kind is RECLAIM else None
        core._commit(
            capped or granting.granted(record, now, core._store, kind, ttl_ms, seeker.terms, credited)
        )
        if capped is None:
            return _shown(record, kind)
    return None


def _shown(record: Execution, kind: GrantKind) -> Grant:
    assert record.grant is not None
    expires_at_ms = record.grant[EXPIRES_AT_MS]
    if kind is CLAIM:
        return ClaimGrant(record.execution_id, expires_at_ms)
    make = ResumeGrant if kind is RESUME else ReclaimGrant
    return make(record.execution_id, expires_at_ms, record.spec.lane_id)


def _found(core: Core, now: int, seeker: Seeker, lanes: Lanes) -> Found | None:
    core._pending = TIDYING
    if isinstance(lanes, tuple):
        found = _in_order(core, now, seeker, lanes)
    else:
        found = _by_weight(core, now, seeker, lanes)
    core._pending = None
    return found


def _in_order(core: Core, now: int, seeker: Seeker, lanes: tuple[str, ...]) -> Found | None:
    for lane_id in lanes:
        record = best(core, now, seeker, lane_id)
        if record is not None:
            return record, ()
    return None


def _by_weight(core: Core, now: int, seeker: Seeker, lanes: Mapping[str, int]) -> Found | None:
    heads = [
        (head, weight)
        for lane_id, weight in lanes.items()
        if (head := best(core, now, seeker, lane_id)) is not None
    ]
    if not heads:
        return None
    credited = [(head.spec.lane, head.spec.lane.credit + weight) for head, weight in heads]
    winner = max(range(len(heads)), key=lambda i: credited[i][1])
    lane, credit = credited[winner]
    credited[winner] = (lane, credit - sum(weight for _, weight in heads))
    return heads[winner][0], tuple(credited)


def best(core: Core, now: int, seeker: Seeker, lane_id: str) -> Execution | None:
    """The best head of a lane over the open shelves that the seeker satisfies. O(these shelves).

    To be called while :data:`TIDYING` is pending: entries that are stale go.
    """
    waiting = core._indexes.waiting
    chosen: Execution | None = None
    idle = 0
    shelves = waiting.fitting(lane_id, seeker.has)
    for shelf in shelves:
        head = shelf.head()
        if head is None:
            idle += 1
        elif (
            shelf.kind in seeker.kinds
            and (chosen is None or rank(head, shelf.aging_ms) < rank(chosen, shelf.aging_ms))
            and _admits(core, now, seeker, shelf)
        ):
            chosen = head
    if idle > SLACK and 2 * idle > len(shelves):
        waiting.prune(lane_id)
    return chosen


def _admits(core: Core, now: int, seeker: Seeker, shelf: Shelf) -> bool:
    spec, tallies = shelf.spec, core._indexes.tallies
    if not shelf.metered and not tallies.watching:
        return spec.lane.state is not PAUSED
    return admission.refusal(shelf.kind, spec, seeker.terms[INSTANCE_ID], now, core._store, tallies) is None


def first(core: Core, now: int, seeker: Seeker, lane_id: str, limit: int) -> Iterator[Execution]:
    """The first that could be granted in a lane, best first.

    To be called, and gone through, while :data:`TIDYING` is pending.
    """
    if limit == 1:
        record = best(core, now, seeker, lane_id)
        return iter(() if record is None else (record,))
    waiting = core._indexes.waiting
    open_ones = [
        shelf
        for shelf in waiting.fitting(lane_id, seeker.has)
        if shelf.kind in seeker.kinds and shelf.head() is not None and _admits(core, now, seeker, shelf)
    ]
    return islice(waiting.in_order(open_ones), limit)


def would_refuse(core: Core, record: Execution, now: int, request: GrantRequest) -> GrantError | None:
    """The refusal that issuing such a grant would give: the rule decides, and nothing is committed. O(1)."""
    store, tallies = core._store, core._indexes.tallies
    try:
        if type(request) is IssueReclaimGrantRequest:
            change = granting.issue_reclaim(record, now, request, store, tallies)
        else:
            kind = RESUME if record.interrupted else CLAIM
            change = granting.issue(record, now, request, kind, store, tallies)
    except (RetryableError, CooperativeError, MisuseError) as refusal:
        return refusal.with_traceback(None)
    if isinstance(change, NotReclaimable):
        return _not_reclaimable(change.detail)
    event = change[0].event
    if event is CapabilityMismatched:
        return CapabilityMismatch("the worker lacks required tokens", missing=change[4][1])
    if event is ReclaimCapReached:
        return ExecutionNotReclaimable("it was taken over as often as its policy allows: it would end")
    return None


def _not_reclaimable(detail: str) -> GrantError:
    if detail.startswith("lane_mismatch"):
        return ExecutionNotInEligibleSet("the lease was lost in another lane")
    return ExecutionNotReclaimable("no lease of it is lost")
