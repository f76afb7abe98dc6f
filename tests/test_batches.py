"""A batch is its single calls in order at one instant; each item answers for itself (SPEC 11; issue 7)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, Final

import attrs
import pytest

import grantcore as gc
from grantcore.engine.leases import MAX_BATCH
from grantcore.model.ids import MintedIds
from grantcore.rules import granting
from grantcore.testing.pair import Pair

NONCE: Final = "0123456789abcdef0123"
ANN: Final[dict[str, Any]] = {"worker_id": "ann", "worker_instance_id": "ann-1"}
TAKE: Final[dict[str, Any]] = {**ANN, "lease_ttl_ms": 40}
BOB: Final[dict[str, Any]] = {"worker_id": "bob", "worker_instance_id": "bob-1"}
ASKING: Final = gc.IssueClaimGrantRequest(**ANN, lane_id="main", grant_ttl_ms=30, worker_capabilities=["gpu"])
REQUESTS: Final = (
    ASKING,
    ASKING,
    gc.IssueClaimGrantRequest(**ANN, lane_id="main", grant_ttl_ms=30),
    gc.IssueClaimGrantRequest(**ANN, lane_id="other", grant_ttl_ms=30, worker_capabilities=["gpu"]),
    gc.IssueClaimGrantRequest(**BOB, lane_id="main", grant_ttl_ms=9, worker_capabilities=["gpu"]),
)
AT_ONCE: Final = gc.ExecutionPolicy(retry=gc.RetryPolicy(2, gc.Fixed(0)))


class Dial:
    """A clock that counts who looks at it."""

    def __init__(self) -> None:
        self.reading_ms, self.looks = 1_000, 0

    def __call__(self) -> int:
        self.looks += 1
        return self.reading_ms


def new_engine(**config: Any) -> gc.GrantEngine:
    return gc.GrantEngine(clock=Dial(), ids=MintedIds(NONCE), config=gc.EngineConfig(**config))


def held(engine: gc.GrantEngine, count: int, **shared: Any) -> list[gc.Lease]:
    """So many executions that ann works on."""
    created = engine.create_executions([{}] * count, lane_id="main", **shared)
    names = [answer.execution_id for answer in created if isinstance(answer, gc.Created)]
    grants = [each for each in engine.issue_claim_grants(names, ASKING) if isinstance(each, gc.ClaimGrant)]
    leases = [each for each in engine.claim_many(grants, **TAKE) if isinstance(each, gc.Lease)]
    assert len(leases) == count
    return leases


# -- as the single calls -------------------------------------------------------------------------------


def told(answer: object) -> object:
    """An answer that can be compared: errors are equal to themselves only."""
    if isinstance(answer, (gc.Refused, gc.LeaseLost)):
        return (type(answer.error), vars(answer.error))
    return answer


def one_by_one(call: Callable[..., object], items: list[Any], shared: Mapping[str, Any]) -> list[object]:
    """The answers of the single call, as a batch would give them."""
    answers: list[object] = []
    for item in items:
        try:
            answers.append(call(**shared, **item) if type(item) is dict else call(item, **shared))
        except gc.GrantError as refusal:
            answers.append(gc.Refused(refusal))
    return answers


Step = tuple[str, str, list[Any], Mapping[str, Any]]
"""A batch call, its single one, the items, and what they share."""


class Both:
    """Two engines: one is given batches, the other their items one after the other."""

    def __init__(self, seed: int, *, observed: bool, minted: bool = True, **config: Any) -> None:
        self.chance = random.Random(seed)
        self.many, self.single = new_engine(**config), new_engine(**config)
        for engine in () if minted else (self.many, self.single):
            engine._ids = _Counted()
            engine._choose_way()
        self.heard: tuple[list[Any], list[Any]] = ([], [])
        for engine, heard in zip((self.many, self.single), self.heard, strict=True):
            if observed:
                engine.subscribe(heard.append)
        self.names: list[str] = ["nobody", " "]
        self.grants: list[Any] = [None, gc.ResumeGrant("nobody", 5, "main")]
        self.leases: list[Any] = [None, gc.Fence("nobody", "l", 1, "a")]

    def some(self, of: list[Any]) -> list[Any]:
        return self.chance.choices(of[-12:] + of[:2], k=self.chance.randrange(7))

    def step(self) -> Step:
        chance = self.chance
        name, key = f"e{chance.randrange(20)}", f"k{chance.randrange(9)}"
        own: list[Any] = [{}, {}, {"priority": 9_999}, {"priority": None}, {"payload": b"p"}]
        own += [{"execution_id": name, "delay_until_ms": 1_000, "deadline_at_ms": 1_010}]
        own += [{"execution_id": name}, {"execution_id": name, "payload": b"p"}, {"execution_id": " "}]
        own += [{"idempotency_key": key}, {"tags": {"a.b": "c"}}, {"tags": {"Bad": "c"}}]
        policy = chance.choice([gc.ExecutionPolicy(), AT_ONCE])
        lane_id = chance.choice(["main", "main", "other"])
        shared = {
            "lane_id": lane_id,
            "policy": policy,
            "required_capabilities": chance.choice([(), ("gpu",)]),
        }
        who = chance.choice([ANN, ANN, BOB])
        taker = {**who, "lease_ttl_ms": chance.choice([1, 40, 400])}
        kept = [lease for lease in self.some(self.leases) if isinstance(lease, gc.Lease)]
        renewal = {"lease_ttl_ms": chance.choice([5, 90, 600])}
        steps: list[Step] = [
            ("create_executions", "create_execution", self.some(own), shared),
            (
                "issue_claim_grants",
                "issue_claim_grant",
                self.some(self.names),
                {"request": chance.choice(REQUESTS)},
            ),
            ("claim_many", "take", self.some(self.grants), taker),
            ("renew_leases", "renew_lease", kept, renewal),
            ("complete_many", "complete_execution", self.some(self.leases), {}),
            ("fail_many", "fail_execution", self.some(self.leases), {"reason": "no"}),
        ]
        return chance.choice(steps)

    def go(self, steps: int) -> None:
        for _ in range(steps):
            many, single, items, shared = self.step()
            answers = getattr(self.many, many)(iter(items), **shared)
            apart = one_by_one(getattr(self.single, single), items, shared)
            assert list(map(told, answers)) == list(map(told, apart)), many
            self.learn(answers)
            self.compare()
            self.pass_time()

    def learn(self, answers: tuple[object, ...]) -> None:
        for answer in answers:
            match answer:
                case gc.Created(execution_id=name):
                    self.names.append(name)
                case gc.ClaimGrant():
                    self.grants.append(answer)
                case gc.Lease():
                    self.leases.append(answer)
                case _:
                    pass

    def pass_time(self) -> None:
        later = self.chance.choice([0, 0, 0, 1, 45])
        for engine in (self.many, self.single):
            engine._clock.__self__.reading_ms += later  # type: ignore[attr-defined]

    def compare(self) -> None:
        assert self.many.digest() == self.single.digest()
        assert self.many.leases() == self.single.leases()
        assert self.many.next_deadline_ms() == self.single.next_deadline_ms()
        assert self.many.stats() == self.single.stats()
        assert self.heard[0] == self.heard[1]
        self.many.check()


class _Counted:
    """An id source that is not the engine's own."""

    def __init__(self) -> None:
        self.count = 0

    def execution_id(self, lane_id: str) -> str:
        self.count += 1
        return f"{lane_id}-{self.count}"

    def lease_id(self) -> str:
        return self.execution_id("lease")

    def attempt_id(self) -> str:
        return self.execution_id("attempt")

    def suspension_id(self) -> str:
        return self.execution_id("suspension")


SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "plain": {"observed": False},
    "observed": {"observed": True},
    "without a lock": {"observed": False, "threadsafe": False},
    "forgotten at once": {"observed": True, "retention_ms": 0},
    "full": {"observed": False, "max_executions": 12, "retention_ms": 20},
    "other ids": {"observed": False, "minted": False},
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_batch_is_its_single_calls_in_order(setting: str, seed: int) -> None:
    """Answers, state, digest, counts, deadlines and events, after each batch."""
    Both(seed, **SETTINGS[setting]).go(100)


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a batch does not look at what is due between its items."""
    both = Both(0, observed=False, retention_ms=0)
    monkeypatch.setattr(both.many, "_lapse", lambda _now: 0)
    with pytest.raises(AssertionError):
        both.go(100)


def test_what_the_first_has_set_is_due_before_the_second() -> None:
    """SPEC 3: a retry without a delay waits again, and what is forgotten at once is gone."""
    engine = new_engine(retention_ms=0)
    (lease,) = held(engine, 1)
    completed, again = engine.complete_many([lease, lease])
    assert isinstance(completed, gc.Completed)
    assert isinstance(again, gc.Refused)
    assert type(again.error) is gc.ExecutionNotFound


def test_what_the_last_has_set_is_due_at_the_next_call() -> None:
    """SPEC 3: as after a single call, nothing has been told of it yet."""
    engine = new_engine()
    heard: list[str] = []
    engine.subscribe(lambda event: heard.append(type(event).__name__))
    engine.create_executions([{"deadline_at_ms": 0}, {"deadline_at_ms": 0}], lane_id="main")
    assert heard == ["Created", "DeadlinePassed", "Created"]
    engine.now_ms()
    assert heard == ["Created", "DeadlinePassed", "Created", "DeadlinePassed"]


# -- one of many -----------------------------------------------------------------------------------------

BAD: Final[dict[str, tuple[Callable[[gc.GrantEngine, list[Any]], tuple[object, ...]], Any, str]]] = {
    "create_executions": (
        lambda engine, items: engine.create_executions(items, lane_id="main"),
        {"priority": True},
        "priority",
    ),
    "issue_claim_grants": (lambda engine, items: engine.issue_claim_grants(items, ASKING), 5, "execution_id"),
    "claim_many": (lambda engine, items: engine.claim_many(items, **TAKE), "grant", "grant"),
    "complete_many": (lambda engine, items: engine.complete_many(items), 5, "lease.execution_id"),
    "fail_many": (lambda engine, items: engine.fail_many(items, reason="no"), None, "lease.execution_id"),
}
"""A call, an item that is malformed, and the field that says so: that of the single call."""


def _good(engine: gc.GrantEngine, call: str) -> list[Any]:
    """Three items that the call can do."""
    if call == "create_executions":
        return [{}, {"execution_id": "own"}, {"payload": b"p"}]
    if call in {"complete_many", "fail_many"}:
        return list(held(engine, 3))
    engine.create_executions([{"execution_id": name} for name in "abc"], lane_id="main")
    return (
        list("abc")
        if call == "issue_claim_grants"
        else list(engine.issue_claim_grants(["a", "b", "c"], ASKING))
    )


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("call", BAD)
def test_a_malformed_item_is_refused_alone(call: str, place: int) -> None:
    engine = new_engine()
    items = _good(engine, call)
    make, bad, field = BAD[call]
    answers = list(make(engine, [*items[:place], bad, *items[place:]]))
    refused = answers.pop(place)
    assert isinstance(refused, gc.Refused)
    assert isinstance(refused.error, gc.InvalidInput)
    assert refused.error.field == field
    assert len(answers) == len(items)
    assert not any(isinstance(answer, gc.Refused) for answer in answers)
    engine.check()


@pytest.mark.parametrize("item", [5, None, "ab", {"colour": 1}, {5: 1}, [("priority", 1)]], ids=repr)
def test_an_execution_is_a_mapping_of_known_names(item: Any) -> None:
    answers = new_engine().create_executions([{}, item, {}], lane_id="main")
    assert [type(answer) for answer in answers] == [gc.Created, gc.Refused, gc.Created]
    (refused,) = [answer.error for answer in answers if isinstance(answer, gc.Refused)]
    assert isinstance(refused, gc.InvalidInput)
    assert refused.field == "execution"


def test_the_results_belong_to_the_leases_in_order() -> None:
    engine = new_engine(max_payload_bytes=4)
    leases = held(engine, 4)
    answers = engine.complete_many(leases, results=iter([b"one", None, b"too long", b""]))
    assert [type(answer) for answer in answers] == [gc.Completed, gc.Completed, gc.Refused, gc.Completed]
    names = [lease.execution_id for lease in leases]
    assert [engine.read_result(name) for name in names] == [b"one", None, None, None]


def test_what_is_shared_is_read_once() -> None:
    """An iterable of tokens is not exhausted by the first execution."""
    engine = new_engine()
    engine.create_executions([{}, {}], lane_id="main", required_capabilities=iter(["gpu"]))
    page = engine.list_executions()
    assert [entry.required_capabilities for entry in page.entries] == [("gpu",), ("gpu",)]


def test_grants_of_every_kind_are_used() -> None:
    """One loop drains everything (I-57): what ``claim_many_for_worker`` gives goes in as it is."""
    engine = new_engine()
    _, paused, lost = held(engine, 3)
    engine.release_execution(paused)
    engine.operator("boss").revoke_lease(lost.execution_id, reason="gone")
    engine.create_executions([{}], lane_id="main")
    ann = gc.Worker("ann", "ann-1", ["gpu"])
    grants = gc.Scheduler(engine).claim_many_for_worker(ann, lanes=["main"], grant_ttl_ms=9, n=9)
    answers = engine.claim_many(grants, **TAKE)
    kinds = sorted(str(answer.kind) for answer in answers if isinstance(answer, gc.Lease))
    assert kinds == ["fresh", "reclaimed", "resumed"]


def test_a_refusal_keeps_no_frames_alive() -> None:
    """An answer may be kept for long; what it was made of need not."""
    (answer,) = new_engine().issue_claim_grants(["nobody"], ASKING)
    assert isinstance(answer, gc.Refused)
    assert answer.error.__traceback__ is None


# -- the whole batch -------------------------------------------------------------------------------------

WHOLE: Final[dict[str, tuple[str, Callable[[gc.GrantEngine, Any], object]]]] = {
    "create_executions": ("executions", BAD["create_executions"][0]),
    "issue_claim_grants": ("execution_ids", BAD["issue_claim_grants"][0]),
    "claim_many": ("grants", BAD["claim_many"][0]),
    "complete_many": ("leases", BAD["complete_many"][0]),
    "complete_many, results": ("results", lambda engine, items: engine.complete_many([], results=items)),
    "fail_many": ("leases", BAD["fail_many"][0]),
}


@pytest.mark.parametrize("items", [5, "ab", b"ab", bytearray(b"ab"), {"a": 1}], ids=repr)
@pytest.mark.parametrize("call", WHOLE)
def test_what_is_no_batch_is_refused(call: str, items: object) -> None:
    field, make = WHOLE[call]
    with pytest.raises(gc.InvalidInput) as refused:
        make(new_engine(), items)
    assert refused.value.field == field


@pytest.mark.parametrize("call", WHOLE)
def test_an_endless_batch_is_refused(call: str) -> None:
    """hostile-inputs section 1: bounded iteration."""
    engine = new_engine()
    field, make = WHOLE[call]
    with pytest.raises(gc.InvalidInput) as refused:
        make(engine, repeat({}))
    assert refused.value.field == field
    assert engine.stats().events == 0
    assert MAX_BATCH == 100_000


@pytest.mark.parametrize("call", [name for name in WHOLE if "," not in name])
def test_an_empty_batch_has_no_answers(call: str) -> None:
    assert WHOLE[call][1](new_engine(), iter(())) == ()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda engine, _lease: engine.create_executions([{}], lane_id=""), "lane_id"),
        (lambda engine, _lease: engine.issue_claim_grants(["a"], None), "request"),
        (lambda engine, _lease: engine.claim_many([], **{**TAKE, "lease_ttl_ms": 0}), "lease_ttl_ms"),
        (lambda engine, lease: engine.complete_many([lease], results=[]), "results"),
        (lambda engine, lease: engine.complete_many([lease], results=[b"a", b"b"]), "results"),
        (lambda engine, lease: engine.fail_many([lease], reason=5), "reason"),
        (lambda engine, lease: engine.fail_many([lease], reason="no", category=5), "category"),
    ],
)
def test_what_is_shared_is_judged_before_anything_is_written(call: Any, field: str) -> None:
    engine = new_engine()
    (lease,) = held(engine, 1)
    events = engine.stats().events
    with pytest.raises(gc.InvalidInput) as refused:
        call(engine, lease)
    assert refused.value.field == field
    assert engine.stats().events == events


@pytest.mark.parametrize("call", [name for name in WHOLE if "," not in name])
def test_a_generator_that_raises_midway_writes_nothing(call: str) -> None:
    """SPEC 11: foreign code runs before the first write, and what it raises passes through."""
    engine = new_engine()
    items = _good(engine, call)
    before = engine.digest()

    def broken() -> Iterator[Any]:
        yield from items
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        WHOLE[call][1](engine, broken())
    assert engine.digest() == before


@pytest.mark.parametrize("call", [name for name in WHOLE if "," not in name])
def test_a_generator_may_call_the_engine(call: str) -> None:
    """It is read before the lock is taken: what it does is done before the batch."""
    engine = new_engine()
    items = _good(engine, call)

    def busy() -> Iterator[Any]:
        for number, item in enumerate(items):
            engine.create_execution(lane_id="aside", execution_id=f"busy-{number}")
            yield item

    answers: Any = WHOLE[call][1](engine, busy())
    assert not any(isinstance(answer, gc.Refused) for answer in answers)
    assert len(engine.list_executions(lane_id="aside").entries) == len(items)


@pytest.mark.parametrize("call", [name for name in WHOLE if "," not in name])
def test_the_clock_is_read_once(call: str) -> None:
    engine = new_engine()
    items = _good(engine, call)
    dial: Any = engine._clock.__self__  # type: ignore[attr-defined]
    before = dial.looks
    WHOLE[call][1](engine, items)
    assert dial.looks == before + 1


def test_what_is_due_comes_first() -> None:
    """SPEC 3: the leases lapse, stamped with their own deadline, before the batch is looked at."""
    engine = new_engine()
    leases = held(engine, 3)
    engine._clock.__self__.reading_ms += 60  # type: ignore[attr-defined]
    answers = engine.complete_many(leases)
    errors = [answer.error for answer in answers if isinstance(answer, gc.Refused)]
    assert [type(error) for error in errors] == [gc.LeaseExpired] * 3


def test_the_model_judges_batches_alike() -> None:
    """The second source of truth: items and batches that are malformed, and what is not."""
    pair = Pair(config=gc.EngineConfig(max_payload_bytes=4))
    own = [{}, 5, {"colour": 1}, {"execution_id": "a"}, {"priority": "x"}]
    pair.call("create_executions", own, lane_id="main")
    for batch in (None, "ab", {"a": 1}, bytearray(b"ab")):
        pair.call("create_executions", batch, lane_id="main")
        pair.call("claim_many", batch, **TAKE)
    pair.call("issue_claim_grants", ["a", "b", 5, "a"], ASKING)
    pair.call("claim_many", [gc.ClaimGrant("a", 30), 5, gc.ReclaimGrant("a", 5, "main")], **TAKE)
    (lease,) = pair.engine.leases()
    pair.call("complete_many", [lease], results=[])
    pair.call("complete_many", [None, lease, lease], results=[b"", b"too long", b"good"])
    pair.call("fail_many", [lease, gc.Fence("nobody", "l", 1, "a")], reason="no")
    pair.check()


@pytest.mark.parametrize("threadsafe", [True, False])
@pytest.mark.parametrize("call", [name for name in WHOLE if "," not in name])
def test_a_batch_from_inside_a_call_is_refused(call: str, *, threadsafe: bool) -> None:
    """SPEC 11: with a lock and without one; the call around it goes on."""
    engine = new_engine(threadsafe=threadsafe)
    items = _good(engine, call)
    met: list[str] = []

    def call_in(_: object) -> None:
        try:
            WHOLE[call][1](engine, items)
        except gc.Reentrant as refused:
            met.append(refused.code)

    engine.subscribe(call_in)
    engine.create_execution(lane_id="main")
    assert met == ["reentrant"]
    engine.check()


# -- what no item answers for ------------------------------------------------------------------------------


def test_a_bug_is_nobodys_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = new_engine()
    engine.create_executions([{"execution_id": name} for name in "abc"], lane_id="main")

    def broken(*_args: object) -> Any:
        raise gc.InvariantBroken("planted")

    monkeypatch.setattr(granting, "issue", broken)
    monkeypatch.setattr(engine, "_plain_ids", None)
    with pytest.raises(gc.InvariantBroken):
        engine.issue_claim_grants(["a", "b"], ASKING)


@attrs.define
class _Interrupted(_Counted):
    """Raises where the third execution is named."""

    error: type[BaseException] = KeyboardInterrupt
    count: int = 0

    def execution_id(self, lane_id: str) -> str:
        if self.count == 2:
            raise self.error
        return super().execution_id(lane_id)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError, gc.Reentrant])
def test_an_interrupted_batch_leaves_a_prefix(error: type[BaseException]) -> None:
    """SPEC 11; at every line: tests/robustness/test_atomic_lines.py."""
    engine = gc.GrantEngine(clock=Dial(), ids=_Interrupted(error))
    with pytest.raises(error):
        engine.create_executions([{}] * 5, lane_id="main")
    assert [entry.execution_id for entry in engine.list_executions().entries] == ["main-1", "main-2"]
    engine.check()
