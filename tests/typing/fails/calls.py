"""Mistakes that a type checker must find; each line says what is wrong with it."""

from typing import assert_never

import grantcore as gc


def wrong_kind_of_grant(engine: gc.GrantEngine, grant: gc.ReclaimGrant) -> None:
    ann = {"worker_id": "ann", "worker_instance_id": "ann-1"}
    engine.claim_execution(
        grant,  # wrong: mypy[arg-type] pyright[reportArgumentType]
        worker_id=ann["worker_id"],
        worker_instance_id=ann["worker_instance_id"],
        lease_ttl_ms=1,
    )


def wrong_kind_of_request(engine: gc.GrantEngine, request: gc.IssueClaimGrantRequest) -> None:
    engine.issue_reclaim_grant("job-1", request)  # wrong: mypy[arg-type] pyright[reportArgumentType]


def missing_keyword(engine: gc.GrantEngine, lease: gc.Lease) -> None:
    engine.renew_lease(lease)  # wrong: mypy[call-arg] pyright[reportCallIssue]


def not_by_position(engine: gc.GrantEngine, lease: gc.Lease) -> None:
    engine.renew_lease(lease, 1_000)  # wrong: mypy[call-arg] pyright[reportCallIssue]


def frozen(grant: gc.ClaimGrant, lease: gc.Lease, made: gc.Created, page: gc.ExecutionsPage) -> None:
    grant.expires_at_ms = 1  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]
    lease.lease_epoch = 1  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]
    made.public_state = ""  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]
    page.next = None  # wrong: mypy[misc] pyright[reportAttributeAccessIssue]


def a_case_forgotten(answer: gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded) -> str:
    match answer:
        case gc.Granted():
            return "granted"
        case gc.NotReclaimable():
            return "not"
        case _:
            assert_never(answer)  # wrong: mypy[arg-type] pyright[reportArgumentType]


def maybe_nothing(engine: gc.GrantEngine) -> gc.Phase:
    return engine.describe_execution("a").phase  # wrong: mypy[union-attr] pyright[reportOptionalMemberAccess]


class NoFence:
    execution_id = "job-1"


def not_a_fence(engine: gc.GrantEngine) -> None:
    engine.complete_execution(NoFence())  # wrong: mypy[arg-type] pyright[reportArgumentType]


def not_an_engine() -> gc.GrantBackend:
    return NoFence()  # wrong: mypy[return-value] pyright[reportReturnType]
