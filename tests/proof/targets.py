"""What is public and can be called: by name, with its parameters and its documented results."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Final

import attrs

import grantcore as gc

VALUES_OF_OURS: Final = (
    gc.IssueClaimGrantRequest,
    gc.IssueReclaimGrantRequest,
    gc.ExecutionPolicy,
    gc.RetryPolicy,
    gc.Fixed,
    gc.Exponential,
    gc.EngineConfig,
    gc.Worker,
    gc.Fence,
    gc.ManualClock,
    gc.FenceGuard,
    gc.GrantEngine,
    gc.Scheduler,
)
SELDOM: Final = {"restore": 40, "snapshot": 40, "digest": 40, "check": 40, "GrantEngine": 20, "subscribe": 4}
"""What is dear is called only once in so many times."""

OFTEN: Final = {
    "create_execution": 5,
    "issue_claim_grant": 4,
    "issue_resume_grant": 3,
    "issue_reclaim_grant": 3,
    "take": 4,
    "claim_execution": 3,
    "claim_resumed_execution": 2,
    "reclaim_execution": 2,
    "operator.issue_grant_and_claim": 2,
    "operator.resume_lane": 2,
    "scheduler.claim_for_worker": 2,
}
"""What leads deep is called more often than the rest."""

_FACES: Final = (
    ("", gc.GrantEngine),
    ("operator.", gc.Operator),
    ("scheduler.", gc.Scheduler),
    ("guard.", gc.FenceGuard),
)


@attrs.frozen
class Target:
    """A public callable: its parameters, those among them that must be given, and the results it may give."""

    call: str
    parameters: tuple[str, ...]
    needed: frozenset[str]
    by_position: frozenset[str]
    results: tuple[type, ...]


def _target(call: str, of: Callable[..., object], results: tuple[type, ...]) -> Target:
    parameters = [p for p in inspect.signature(of).parameters.values() if p.name != "self"]
    return Target(
        call,
        tuple(p.name for p in parameters),
        frozenset(p.name for p in parameters if p.default is p.empty),
        frozenset(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY),
        results,
    )


def _results(hint: object) -> tuple[type, ...]:
    """The classes that an annotation of a result names."""
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        return tuple(kind for part in typing.get_args(hint) for kind in _results(part))
    kind = typing.get_origin(hint) or hint
    assert isinstance(kind, type), hint
    return (kind,)


@cache
def targets() -> dict[str, Target]:
    """All of them, by name."""
    found = {
        face + name: _target(face + name, method, _results(typing.get_type_hints(method)["return"]))
        for face, owner in _FACES
        for name, method in inspect.getmembers(owner, callable)
        if not name.startswith("_") and name != "writing"
    }
    return found | {kind.__name__: _target(kind.__name__, kind, (kind,)) for kind in VALUES_OF_OURS}
