"""``hypothesis`` calls this at its import: it teaches ``from_type`` our classes that judge their fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

import grantcore as gc

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

NAMES: Final[Mapping[type, str]] = MappingProxyType(
    {
        gc.ClaimGrant: "claim_grants",
        gc.EngineConfig: "configs",
        gc.ExecutionPolicy: "policies",
        gc.Exponential: "exponential_backoffs",
        gc.Fence: "fences",
        gc.Fixed: "fixed_backoffs",
        gc.IssueClaimGrantRequest: "claim_requests",
        gc.IssueReclaimGrantRequest: "reclaim_requests",
        gc.Lease: "leases",
        gc.ReclaimGrant: "reclaim_grants",
        gc.ResumeGrant: "resume_grants",
        gc.RetryPolicy: "retry_policies",
        gc.Worker: "workers",
    }
)
"""A class, and the function of :mod:`grantcore.testing.strategies` that draws it."""


def register() -> None:
    """Register a strategy for each of :data:`NAMES`. O(1)."""
    from hypothesis import strategies as st

    for kind in NAMES:
        st.register_type_strategy(kind, _drawn)


def _drawn(kind: type) -> SearchStrategy[object]:
    """Found only now: that module may be just the one whose import has brought ``hypothesis`` in."""
    strategies = import_module("grantcore.testing.strategies")
    return cast("Callable[[], SearchStrategy[object]]", getattr(strategies, NAMES[kind]))()


__all__ = ["NAMES", "register"]
