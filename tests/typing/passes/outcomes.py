"""A tagged outcome is used up by ``match``: what is left over is Never."""

from typing import assert_never

import grantcore as gc


def granted(answer: gc.Granted | gc.NotReclaimable | gc.ReclaimCapExceeded) -> str:
    match answer:
        case gc.Granted(grant=grant):
            return grant.lane_id
        case gc.NotReclaimable(detail=detail):
            return detail
        case gc.ReclaimCapExceeded(reclaim_count=count):
            return str(count)
        case _:
            assert_never(answer)


def taken(grant: gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant) -> int:
    match grant:
        case gc.ClaimGrant():
            return grant.expires_at_ms
        case gc.ResumeGrant() | gc.ReclaimGrant():
            return len(grant.lane_id)
        case _:
            assert_never(grant)


def failed(engine: gc.GrantEngine, lease: gc.Lease) -> int | None:
    match engine.fail_execution(lease, reason="out of memory"):
        case gc.RetryScheduled(delay_until_ms=until):
            return until
        case gc.TerminalFailed():
            return None


def reclaimed(answer: gc.Reclaimed | gc.NotReclaimable | gc.GrantNotFound) -> int | None:
    match answer:
        case gc.Reclaimed(lease=lease):
            return lease.lease_epoch
        case gc.NotReclaimable() | gc.GrantNotFound():
            return None
        case _:
            assert_never(answer)


def used(answer: gc.UsageApplied | gc.AlreadySatisfied | gc.HardBreach) -> bool:
    match answer:
        case gc.UsageApplied() | gc.AlreadySatisfied():
            return True
        case gc.HardBreach():
            return False
        case _:
            assert_never(answer)
