"""What hurts other engines: crowds that nobody can run, storms of deadlines and renewals, bulk."""

from __future__ import annotations

from statistics import median
from time import process_time_ns
from typing import TYPE_CHECKING, Final

from benchmarks.lifecycle import DAY_MS, LANE_ID, Rig
from benchmarks.rows import Group, Row
from benchmarks.timing import NS_PER_US, interleaved, release
from grantcore import GrantEngine, settle_memory

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes
    from benchmarks.stock import Stock

SETS: Final = 16
FEW: Final = 100
"""The crowd in front is so many times larger than the small one."""

WORKERS: Final = 100
SAYS: Final = "One hard case each; per execution, lease or call, processor time."


def measure(sizes: Sizes, stock: Stock) -> Group:
    """Measure one after another."""
    finding = _finding(sizes)
    rest = (_due_at_once(sizes), _trickle(sizes), _bulk_load(sizes), *_saved(sizes))
    return Group("targeted", SAYS, (*finding, *rest, _renewal_storm(sizes, stock)))


# -- crowds ----------------------------------------------------------------------------------------


def crowd(number: int) -> Rig:
    """So many urgent executions that only a GPU can run, of :data:`SETS` requirement sets; one for a CPU."""
    rig = Rig()
    sets = [("gpu", f"model-{n}") for n in range(SETS)]
    for n in range(number):
        rig.engine.create_execution(lane_id=LANE_ID, priority=9, required_capabilities=sets[n % SETS])
    rig.engine.create_execution(lane_id=LANE_ID, execution_id="wanted", required_capabilities=("cpu",))
    return rig


def find_ns(rig: Rig, times: int) -> float:
    """Look for the best work for a CPU."""
    scheduler = rig.scheduler
    began_ns = process_time_ns()
    for _ in range(times):
        scheduler.peek(LANE_ID, ("cpu",), 1)
    return (process_time_ns() - began_ns) / times


def explain_ns(rig: Rig, times: int) -> float:
    """Ask why an execution does not run, with :data:`WORKERS` workers that might."""
    engine = rig.engine
    began_ns = process_time_ns()
    for _ in range(times):
        engine.explain("wanted")
    return (process_time_ns() - began_ns) / times


def _finding(sizes: Sizes) -> tuple[Row, ...]:
    few, many, count = crowd(sizes.crowd // FEW), crowd(sizes.crowd), sizes.lifecycles
    asked = crowd(sizes.crowd)
    for n in range(WORKERS):
        asked.engine.register_worker(
            f"worker-{n}", f"worker-{n}", lanes=(LANE_ID,), capabilities=("gpu",), liveness_ttl_ms=DAY_MS
        )
    medians = interleaved(
        {
            "few": lambda: find_ns(few, count),
            "many": lambda: find_ns(many, count),
            "loop": lambda: many.loops_ns(count),
            "explain": lambda: explain_ns(asked, max(count // WORKERS, 1)),
        },
        sizes.samples,
    )
    before = f"{sizes.crowd:,} incompatible, {SETS} requirement sets"
    small = f"{sizes.crowd // FEW:,}"
    return (
        Row(
            "find work past a crowd",
            f"`Scheduler.peek` past {before}",
            (medians["many"],),
            "us",
            medians["many"] / medians["few"],
            f"past {small}",
            5,
            2,
            of="number",
        ),
        Row(
            "loop past a crowd",
            f"create, choose, take, renew, complete past {before}",
            (medians["loop"],),
            "us",
        ),
        Row(
            "explain in a crowd",
            f"`explain` in a queue of {sizes.crowd:,} with {WORKERS} live workers",
            (medians["explain"],),
            "us",
        ),
    )


# -- storms ----------------------------------------------------------------------------------------


def due_ns(count: int) -> float:
    """Let so many leases fall due at one instant; answer the nanoseconds of one lapse."""
    rig = Rig()
    rig.lease_many(count, tick_ms=0)
    rig.clock.advance(DAY_MS)
    settle_memory()
    began_ns = process_time_ns()
    report = rig.engine.advance()
    spent_ns = process_time_ns() - began_ns
    assert report.lapsed == count
    release()
    return spent_ns / count


def trickle_ns(count: int) -> float:
    """Let one lease fall due every millisecond, one ``advance`` each."""
    rig = Rig()
    rig.lease_many(count)
    rig.clock.advance(DAY_MS - count)
    engine, clock = rig.engine, rig.clock
    spent_ns = 0
    for _ in range(count):
        clock.advance(1)
        began_ns = process_time_ns()
        engine.advance()
        spent_ns += process_time_ns() - began_ns
    return spent_ns / count


def _repeated(sample: list[float]) -> tuple[float]:
    return (median(sample) / NS_PER_US,)


def _due_at_once(sizes: Sizes) -> Row:
    taken = [due_ns(sizes.most) for _ in range(sizes.repeats)]
    says = f"each of {sizes.most:,} leases that lapse in one `advance()`, nobody observes"
    return Row("due at once", says, _repeated(taken), "us", goal=0.6, stretch=0.45)


def _trickle(sizes: Sizes) -> Row:
    taken = [trickle_ns(sizes.crowd) for _ in range(sizes.repeats)]
    says = f"{sizes.crowd:,} leases, one due every millisecond: one `advance()` each"
    return Row("trickle", says, _repeated(taken), "us")


def _renewal_storm(sizes: Sizes, stock: Stock) -> Row:
    loaded = stock.loaded(sizes.most)
    leases = loaded.engine.leases()[: sizes.crowd]
    loaded.clock.advance(1)
    began_ns = process_time_ns()
    for lease in leases:
        loaded.engine.renew_lease(lease, lease_ttl_ms=DAY_MS)
    spent_us = (process_time_ns() - began_ns) / NS_PER_US
    says = f"{sizes.crowd:,} holders of {sizes.most:,} renew at one instant"
    return Row("renewal storm", says, (spent_us / len(leases),), "us")


# -- bulk ------------------------------------------------------------------------------------------


def load_ns(count: int) -> float:
    """Create so many executions that wait, and have the engine settle them."""
    rig = Rig()
    engine = rig.engine
    began_ns = process_time_ns()
    for _ in range(count):
        engine.create_execution(lane_id=LANE_ID)
    engine.next_deadline_ms()
    return (process_time_ns() - began_ns) / count


def _bulk_load(sizes: Sizes) -> Row:
    taken = [load_ns(sizes.crowd) for _ in range(sizes.repeats)]
    says = f"{sizes.crowd:,} `create_execution` in a row and the first `next_deadline_ms()`, collector on"
    return Row("bulk load", says, _repeated(taken), "us")


def _saved(sizes: Sizes) -> tuple[Row, Row]:
    rig = Rig()
    rig.lease_many(sizes.crowd)
    saving: list[float] = []
    restoring: list[float] = []
    for _ in range(sizes.repeats):
        began_ns = process_time_ns()
        data = rig.engine.snapshot()
        saved_ns = process_time_ns()
        GrantEngine.restore(data, clock=rig.clock)
        restoring.append((process_time_ns() - saved_ns) / sizes.crowd)
        saving.append((saved_ns - began_ns) / sizes.crowd)
    many = f"{sizes.crowd:,} leased executions"
    return (
        Row("snapshot", f"of {many}, each", _repeated(saving), "us"),
        Row("restore", f"of {many}, each, with every invariant checked", _repeated(restoring), "us"),
    )
