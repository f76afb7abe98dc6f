"""When somebody looks, and how often, changes nothing; nor do names, other executions, or the date.

Pairs of runs of one script: I-47 (reads are pure), I-48 (advance() in whatever slices), I-49 (executions
are independent), I-50 (names mean nothing), I-56 (time translation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import attrs
import pytest

from grantcore import GrantEngine, ManualClock, Scheduler
from tests.life.cast import ROOMY, TIGHT, Settings
from tests.life.plain import earlier, plain, stories, unnamed
from tests.life.script import Between, Run, Step, jump, new_run
from tests.life.stage import claim_request
from tests.life.walk import Walk
from tests.marks import one_in

pytestmark = pytest.mark.uncovered

SEEDS: Final = range(8)
STEPS: Final = 400
START_MS: Final = 1_000_000


def script_of(seed: int, settings: Settings | None = None, steps: int = STEPS) -> Walk:
    """A recorded walk."""
    return Walk(seed, settings, check_every=0, sample=0, record=True).go(steps)


def played(steps: Sequence[Step], between: Between = jump) -> dict[str, object]:
    """Play a script; the last lapses are applied where it ended, in every run."""
    run = new_run(TIGHT, START_MS).play(steps, between)
    run.engine.advance()
    return run.outcome()


# -- I-47, I-48: looking ---------------------------------------------------------------------------

READS: Final[tuple[Callable[[GrantEngine], Any], ...]] = (
    lambda engine: engine.advance(),
    lambda engine: engine.advance(limit=1),
    lambda engine: engine.advance(limit=2),
    lambda engine: engine.next_deadline_ms(),
    lambda engine: engine.now_ms(),
    lambda engine: engine.stats(),
    lambda engine: engine.digest(),
    lambda engine: engine.check(),
    lambda engine: engine.snapshot(),
    lambda engine: engine.leases(),
    lambda engine: engine.leases(worker_instance_id="w0-1"),
    lambda engine: engine.leases_expiring_within(1_000),
    lambda engine: engine.list_expired_leases(),
    lambda engine: engine.list_executions(),
    lambda engine: engine.describe_execution("e00"),
    lambda engine: engine.describe_execution("nobody"),
    lambda engine: Scheduler(engine).peek("main", ("cpu", "gpu", "ssd")),
    lambda engine: Scheduler(engine).peek("side", (), limit=1),
    lambda engine: engine.subscribe(print).close(),
    lambda engine: engine.operator("somebody"),
)


class Nosy:
    """Looks at the engine, in every way, before each step and at instants on the way to it."""

    def __init__(self, seed: int, looks: int) -> None:
        self.chance = Random(seed)
        self.looks = looks

    def __call__(self, engine: GrantEngine, clock: ManualClock, at_ms: int) -> None:
        for _ in range(self.chance.randrange(self.looks)):
            clock.set(self.chance.randint(clock(), at_ms))
            self.chance.choice(READS)(engine)
        clock.set(at_ms)
        if self.chance.random() < 0.5:
            self.chance.choice(READS)(engine)


def eager(engine: GrantEngine, clock: ManualClock, at_ms: int) -> None:
    """Stop at every deadline on the way and apply what is due, one lapse at a time."""
    while True:
        due_ms = engine.next_deadline_ms()
        if due_ms is None or due_ms > at_ms:
            break
        clock.set(max(clock(), due_ms))
        while engine.advance(limit=1).more:
            pass
    clock.set(at_ms)


@pytest.mark.parametrize("seed", one_in(4, SEEDS))
def test_looking_changes_nothing(seed: int) -> None:
    """Answers, events, digest and records are those of the run that nobody looked at."""
    steps = script_of(seed).steps
    lazily = played(steps)
    for looks in (2, 5):
        assert played(steps, Nosy(seed, looks)) == lazily


@pytest.mark.parametrize("seed", SEEDS)
def test_prompt_and_late_sweeps_agree(seed: int) -> None:
    """A host that wakes at each deadline and one that never does see the same (SPEC 3)."""
    steps = script_of(seed + 100).steps
    assert played(steps, eager) == played(steps)


def test_time_alone_gives_the_same_whenever_somebody_comes() -> None:
    """One jump over everything that is still to happen, or a call at each millisecond."""
    for seed in SEEDS:
        walk = script_of(seed, steps=200)
        end = walk.run.clock() + 400
        last = [Step(end, "advance", (), {})]
        every = [Step(at_ms, "now_ms", (), {}) for at_ms in range(walk.run.clock(), end)]
        late, prompt = played([*walk.steps, *last]), played([*walk.steps, *every, *last])
        assert late["digest"] == prompt["digest"]
        assert late["events"] == prompt["events"]


def test_the_pairs_can_fail() -> None:
    """A run that leaves one step out is another run."""
    steps = script_of(1).steps
    without = [step for i, step in enumerate(steps) if i != 3]
    assert played(without) != played(steps)


def test_a_read_between_a_claim_and_a_lapse_at_one_instant_does_not_change_their_order() -> None:
    """The order at one instant (SPEC 3: lease before grant), with and without a look before the claim."""
    orders = []
    for look in (False, True):
        run = new_run(TIGHT, 0)
        run.engine.create_execution(lane_id="main", execution_id="a")
        run.engine.create_execution(lane_id="main", execution_id="b")
        request = claim_request(ttl_ms=100)
        run.engine.issue_claim_grant("a", request)
        grant = run.engine.issue_claim_grant("b", request)
        if look:
            assert run.engine.next_deadline_ms() == 100
        run.clock.set(10)
        run.engine.take(grant, worker_id="w", worker_instance_id="w-1", lease_ttl_ms=90)
        run.clock.set(100)
        run.engine.advance()
        orders.append([(type(event).__name__, event.execution_id) for event in run.told[-2:]])
    assert orders == [[("LeaseLapsed", "b"), ("GrantLapsed", "a")]] * 2


# -- I-49: independence ------------------------------------------------------------------------------

ALONE: Final = Settings(config=ROOMY, alone=True, names=4, same_instant=0.85)


def _shown(run: Run) -> dict[str, object]:
    run.engine.advance()
    run.engine.check()
    return stories(run.engine)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_execution_lives_as_if_it_were_alone(seed: int) -> None:
    """The steps of one execution, played without those of the others, give the same answers and record."""
    walk = script_of(seed, ALONE)
    together = new_run(ROOMY, START_MS).play(walk.steps)
    all_stories = _shown(together)
    for name in walk.cast.names:
        mine = [step for step in walk.steps if step.subject == name]
        alone = new_run(ROOMY, START_MS).play(mine)
        alone.clock.set(together.clock())
        assert _shown(alone).get(name) == all_stories.get(name)
        answers = zip(walk.steps, together.answers, strict=True)
        assert alone.answers == [answer for step, answer in answers if step.subject == name]


def _shuffled(steps: Sequence[Step], chance: Random) -> list[Step]:
    """Another order of the steps of each instant, in which each execution's own keep theirs."""
    mixed: list[Step] = []
    rest = list(steps)
    while rest:
        now = [step for step in rest if step.at_ms == rest[0].at_ms]
        rest = rest[len(now) :]
        while now:
            subject = chance.choice(sorted({step.subject for step in now}))
            place = next(i for i, step in enumerate(now) if step.subject == subject)
            mixed.append(now.pop(place))
    return mixed


@pytest.mark.parametrize("seed", SEEDS)
def test_commands_on_different_executions_commute(seed: int) -> None:
    """Save for sequence numbers; the order of what happens at one instant is all that is exchanged."""
    walk = script_of(seed, ALONE)
    mixed = _shuffled(walk.steps, Random(seed))
    assert mixed != walk.steps
    one, other = (new_run(ROOMY, START_MS).play(steps) for steps in (walk.steps, mixed))
    assert _shown(one) == _shown(other)
    assert _by_step(one, walk.steps) == _by_step(other, mixed)


def _by_step(run: Run, steps: Sequence[Step]) -> dict[int, object]:
    return {id(step): answer for step, answer in zip(steps, run.answers, strict=True)}


# -- I-50: names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", one_in(2, ["zz-", "{fp:7}:", "0", "~~~"]))
def test_other_names_give_the_same_run(prefix: str) -> None:
    """Every id, lane, worker, token, namespace and key renamed, in the same order; jitter is off."""
    plain_settings = Settings(jitter=False)
    for seed in SEEDS[:4]:
        one = script_of(seed, plain_settings)
        other = script_of(seed, attrs.evolve(plain_settings, prefix=prefix))
        mend = unnamed(prefix)
        assert [plain(a, mend) for a in other.answers] == [plain(a, mend) for a in one.answers]
        assert plain(other.run.told, mend) == plain(one.run.told, mend)


# -- I-56: the date ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shift_ms", one_in(3, [1, 64, 999_999, 1_700_000_000_000, 2**52]))
def test_another_date_gives_the_same_run(shift_ms: int) -> None:
    """Every instant comes out later by as much, every duration and choice the same."""
    for seed in SEEDS[:4]:
        one = script_of(seed, Settings(start_ms=START_MS))
        other = script_of(seed, Settings(start_ms=START_MS + shift_ms))
        mend = earlier(shift_ms)
        assert [plain(a, mend, s.call) for a, s in zip(other.answers, other.steps, strict=True)] == [
            plain(a, field=s.call) for a, s in zip(one.answers, one.steps, strict=True)
        ]
        assert plain(other.run.told, mend) == plain(one.run.told)
