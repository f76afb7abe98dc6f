"""What a host brings itself: a fence, a clock, a backend; and what only the run can refuse."""

from dataclasses import dataclass

import grantcore as gc


@dataclass(frozen=True)
class Row:
    """A fence as a host keeps it in its own table."""

    execution_id: str
    lease_id: str | None
    lease_epoch: int | None
    attempt_id: str | None


def a_fence_of_ones_own(engine: gc.GrantEngine, row: Row) -> gc.Lease:
    return engine.renew_lease(row, lease_ttl_ms=1_000)


def a_backend(engine: gc.GrantEngine) -> gc.GrantBackend:
    return engine


def a_clock() -> gc.GrantEngine:
    return gc.GrantEngine(clock=lambda: 0)


def a_text_is_texts_to_a_checker(engine: gc.GrantEngine) -> None:
    """A str is an Iterable[str]: only the engine can tell (tests/typing/test_typing.py runs this)."""
    engine.create_execution(lane_id="main", required_capabilities="gpu")
