"""A worker that knows the calls only that an engine and a FlowFabric server both offer.

mypy and pyright read this file: it is where they see that an engine is such a backend.
"""

from __future__ import annotations

from collections.abc import Callable

from grantcore import GrantBackend, GrantEngine, IssueClaimGrantRequest, Operator

Work = Callable[[str], bytes]


def work_off(backend: GrantBackend, execution_id: str, request: IssueClaimGrantRequest, work: Work) -> None:
    """Claim one execution, do its work, and end it."""
    grant = backend.issue_claim_grant(execution_id, request)
    lease = backend.claim_execution(
        grant,
        worker_id=request.worker_id,
        worker_instance_id=request.worker_instance_id,
        lease_ttl_ms=10_000,
    )
    backend.complete_execution(lease, result=work(execution_id))


def as_backend(engine: GrantEngine) -> GrantBackend:
    """An engine is one, parameter by parameter and result by result."""
    return engine


def no_backend(operator: Operator) -> GrantBackend:
    """An operator is none: if it passed for one, the ignored error would be an error of its own."""
    return operator  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
