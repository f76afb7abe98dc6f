"""Every refusal, one class per code, in one tree (SPEC 11).

A class knows its ``code`` and its ``error_class``; what a caller needs to react is in attributes.
Texts name codes, fields and ids, never payloads and never the numbers that were refused.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

ErrorClass = Literal["retryable", "cooperative", "terminal", "bug"]


class GrantError(Exception):
    """Base of everything grantcore raises on purpose.

    ``code`` is FlowFabric's name of the refusal; ``error_class`` says what a caller should do:
    ``retryable`` (elsewhere or later), ``cooperative`` (yield), ``terminal`` (stop), ``bug``.
    """

    code: ClassVar[str] = "grant_error"
    error_class: ClassVar[ErrorClass] = "bug"

    def __init_subclass__(cls) -> None:
        """Derive the code from the class name: ``StaleLease`` is ``stale_lease``."""
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, detail: str = "", **attributes: object) -> None:
        """Keep the details as attributes and tell them in the text."""
        super().__init__(detail)
        self.detail = detail
        for name, value in attributes.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        """Read as ``code: detail``."""
        return f"{self.code}: {self.detail}" if self.detail else self.code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as class, text and attributes."""
        return (type(self), (self.detail,), self.__dict__)


class RetryableError(GrantError):
    """Try elsewhere or later."""

    error_class = "retryable"


class CooperativeError(GrantError):
    """Yield: nothing is wrong, there is no room now."""

    error_class = "cooperative"


class TerminalError(GrantError):
    """Stop: the same call will not succeed."""

    error_class = "terminal"


class BugError(GrantError, RuntimeError):
    """Somebody's programme is wrong."""

    error_class = "bug"


class MissingError(TerminalError, LookupError):
    """Something named does not exist."""


class MisuseError(TerminalError, ValueError):
    """An argument is malformed."""


# -- retryable ---------------------------------------------------------------------------


class ExecutionNotEligible(RetryableError):
    """The execution is not ELIGIBLE (or not in the phase an order needs)."""


class ExecutionNotInEligibleSet(RetryableError):
    """The execution does not wait in the lane that was named (D-12)."""


class ExecutionNotLeaseable(RetryableError):
    """The execution is not ELIGIBLE, so no lease can be taken."""


class ExecutionNotReclaimable(RetryableError):
    """No lease of the execution has lapsed or been revoked."""


class GrantAlreadyExists(RetryableError):
    """A live grant is out for this execution (I-12)."""


class CapabilityMismatch(RetryableError):
    """The worker lacks required tokens; they are in ``missing``, sorted (I-23)."""

    missing: tuple[str, ...]


class InvalidClaimGrant(RetryableError):
    """No such grant for this caller: ``reason`` is absent, lapsed, other_worker or other_kind."""

    reason: Literal["absent", "lapsed", "other_worker", "other_kind"]


class UseClaimResumedExecution(RetryableError):
    """The attempt was interrupted: it takes a resume grant and a resumed claim (D-30)."""


class NotAResumedExecution(RetryableError):
    """The attempt was not interrupted: it takes a claim grant."""


class RateLimitExceeded(RetryableError):
    """The quota's window is full; ``retry_at_ms`` is when it opens."""

    retry_at_ms: int | None


class ConcurrencyLimitExceeded(RetryableError):
    """No slot is free; ``scope`` is lane, worker or quota."""

    scope: Literal["lane", "worker", "quota"]
    retry_at_ms: int | None


class LanePaused(RetryableError):
    """The lane issues no grants now."""


class LimitExceeded(RetryableError):
    """The store is full; ``limit`` names the setting of EngineConfig."""

    limit: str


# -- cooperative -------------------------------------------------------------------------


class BudgetExceeded(CooperativeError):
    """A budget is used up; ``retry_at_ms`` is its next reset."""

    retry_at_ms: int | None


class LaneDraining(CooperativeError):
    """The lane takes no new executions."""


# -- terminal ----------------------------------------------------------------------------


class StaleLease(TerminalError):
    """The caller was replaced; ``current_epoch`` is the epoch of now."""

    current_epoch: int


class LeaseExpired(TerminalError):
    """The caller is late: the lease ended at ``expired_at_ms``."""

    expired_at_ms: int


class LeaseRevoked(TerminalError):
    """The caller was sent away by an operator, for ``reason``."""

    reason: str


class ExecutionNotActive(TerminalError):
    """The execution is not active; the attributes tell whose doing that was (I-46)."""

    terminal_outcome: str
    lease_epoch: int
    lifecycle_phase: str
    attempt_id: str | None


class ExecutionNotTerminal(TerminalError):
    """The execution has not ended."""


class MaxReplaysExhausted(TerminalError):
    """The policy allows no further replay."""


class NotRunnable(TerminalError):
    """The execution is active, suspended or has ended."""


class NotBlockedByDeps(TerminalError):
    """The execution does not wait for children."""


class ExecutionNotSuspended(TerminalError):
    """The execution is not suspended."""


class InstanceReassigned(TerminalError):
    """The instance is registered, and alive, under another worker (D-21)."""


class ExecutionNotFound(MissingError):
    """No execution has this id."""


class QuotaPolicyNotFound(MissingError):
    """No quota policy has this id."""


class BudgetNotFound(MissingError):
    """No budget has this id."""


class WorkerNotFound(MissingError):
    """No worker instance has this id."""


class InvalidInput(MisuseError):
    """An argument is malformed; ``field`` names it, the text says what is allowed."""

    field: str


class InvalidCapabilities(MisuseError):
    """A capability set is malformed; ``reason`` is ``required:CODE`` or ``worker:CODE`` (SPEC 6)."""

    reason: str


class InvalidBlockingReason(MisuseError):
    """The reason is none an operator may block for."""


class InvalidTagKey(MisuseError):
    """A tag name is malformed; ``key`` is it."""

    key: str


class FenceRequired(MisuseError):
    """The call needs a lease and none was given (I-06)."""


class PartialFenceTriple(MisuseError):
    """A part of the fence is missing (I-06)."""


class SnapshotInvalid(MisuseError):
    """The bytes are no snapshot this version can trust."""


# -- bugs --------------------------------------------------------------------------------


class Reentrant(BugError):
    """The engine was called from inside one of its own calls."""


class Forked(BugError):
    """The engine was built by another process; build or restore one here."""


class ClockError(BugError):
    """The clock raised, or gave something that is no instant."""


class InvariantBroken(BugError, AssertionError):
    """The engine found itself in a state it believes impossible: please report this."""


def invalid(field: str, allowed: str) -> InvalidInput:
    """Make the refusal of a malformed argument: the field, and what is allowed."""
    return InvalidInput(f"{field} must be {allowed}", field=field)
