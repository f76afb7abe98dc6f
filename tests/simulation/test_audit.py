"""The audit finds each thing it is there for."""

from __future__ import annotations

import pytest

from grantcore import AttemptType, Lease, LeaseKind
from grantcore.simulation.audit import Audit


def lease(epoch: int = 1, expires_at_ms: int = 100) -> Lease:
    return Lease(
        execution_id="e",
        lane_id="q0",
        lease_id=f"lease-{epoch}",
        lease_epoch=epoch,
        attempt_id=f"attempt-{epoch}",
        attempt_index=epoch - 1,
        attempt_type=AttemptType.INITIAL,
        kind=LeaseKind.FRESH,
        worker_id="w",
        worker_instance_id="w.1",
        acquired_at_ms=0,
        expires_at_ms=expires_at_ms,
        renewal_deadline_ms=expires_at_ms * 2 // 3,
    )


def found(audit: Audit) -> list[str]:
    return [violation.split()[0] for violation in audit.violations]


def test_an_honest_life_is_clean() -> None:
    audit = Audit()
    audit.acquired(lease(1))
    audit.accepted(lease(1), 99)
    audit.acquired(lease(2, 300))
    audit.refused_call(lease(1), 100, "stale_lease")
    audit.refused_call(lease(1), 150, "lease_expired")
    audit.refused_call(lease(1), 160, "stale_lease")
    audit.accepted(lease(2, 300), 200)
    audit.ended("e")
    audit.close(["e"])
    assert audit.violations == []
    assert list(audit.refused.items()) == [("lease_expired", 1), ("stale_lease", 2)]


@pytest.mark.parametrize("epochs", [(2,), (1, 1), (1, 3), (1, 2, 1)])
def test_epochs_rise_by_one_i_02(epochs: tuple[int, ...]) -> None:
    audit = Audit()
    for epoch in epochs:
        audit.acquired(lease(epoch))
    assert found(audit) == ["I-02"]


def test_a_lapsed_lease_is_not_accepted_i_04() -> None:
    audit = Audit()
    audit.acquired(lease())
    audit.accepted(lease(), 100)
    assert found(audit) == ["I-04"]


def test_a_renewal_leads_into_the_future_i_08() -> None:
    audit = Audit()
    assert audit.renewed(lease(), 99)
    assert not audit.renewed(lease(), 100)
    assert found(audit) == ["I-08"]


def test_accepted_epochs_never_fall_i_11() -> None:
    audit = Audit()
    audit.acquired(lease(1))
    audit.acquired(lease(2))
    audit.accepted(lease(1), 50)
    assert found(audit) == ["I-11"]


def test_nothing_is_accepted_after_the_end_i_38() -> None:
    audit = Audit()
    audit.acquired(lease())
    audit.ended("e")
    audit.accepted(lease(), 50)
    assert found(audit) == ["I-38"]


def test_nobody_is_refused_in_time_i_55() -> None:
    audit = Audit()
    audit.refused_call(lease(), 99, "stale_lease")
    assert found(audit) == ["I-55"]


@pytest.mark.parametrize("ends", [0, 2])
def test_every_job_ends_once_i_39(ends: int) -> None:
    audit = Audit()
    for _ in range(ends):
        audit.ended("e")
    audit.close(["e"])
    assert audit.violations == [f"I-39 e: ended {ends} times"]
