"""hostile-inputs section 2, leases: who passes the fence, and which refusal the others get (I-03..I-07)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

import attrs
import pytest

import grantcore as gc
from tests.robustness import hostile, worlds
from tests.robustness.worlds import TTL, World, new_world

CALLS: Final[dict[str, dict[str, object]]] = {
    "renew_lease": {"lease_ttl_ms": TTL},
    "update_progress": {"pct": 5},
    "complete_execution": {},
    "fail_execution": {"reason": "r"},
    "delay_execution": {"delay_until_ms": 5},
    "release_execution": {},
    "move_to_waiting_children": {},
}
every_call = pytest.mark.parametrize("call", CALLS)


def _held() -> World:
    """The second attempt is held: epoch 2."""
    world = new_world()
    worlds.retried(world)
    assert world.lease().lease_epoch == 2
    return world


def _fence(world: World, **changes: Any) -> gc.Fence:
    held = world.lease()
    fields = {
        "execution_id": held.execution_id,
        "lease_id": held.lease_id,
        "lease_epoch": held.lease_epoch,
        "attempt_id": held.attempt_id,
    }
    return gc.Fence(**{**fields, **changes})


def _refused(world: World, call: str, lease: object) -> gc.GrantError:
    """The refusal, which changes nothing; the holder still passes."""
    digest = world.engine.digest()
    method: Any = getattr(world.engine, call)
    with pytest.raises(gc.GrantError) as raised:
        method(lease, **CALLS[call])
    assert world.engine.digest() == digest
    many = world.engine.renew_leases
    if call == "renew_lease" and not isinstance(raised.value, gc.InvalidInput):
        (lost,) = many([lease], lease_ttl_ms=TTL)  # type: ignore[list-item]
        assert isinstance(lost, gc.LeaseLost)
        assert type(lost.error) is type(raised.value)
    return raised.value


OTHERS: Final[dict[str, tuple[dict[str, Any], type[gc.GrantError]]]] = {
    "epoch + 1": ({"lease_epoch": 3}, gc.StaleLease),
    "epoch - 1": ({"lease_epoch": 1}, gc.StaleLease),
    "epoch 0": ({"lease_epoch": 0}, gc.StaleLease),
    "epoch 2^53-1": ({"lease_epoch": 2**53 - 1}, gc.StaleLease),
    "epoch -1": ({"lease_epoch": -1}, gc.InvalidInput),
    "epoch 2^53": ({"lease_epoch": 2**53}, gc.InvalidInput),
    "epoch 10^5000": ({"lease_epoch": hostile.HUGE}, gc.InvalidInput),
    "epoch '2'": ({"lease_epoch": "2"}, gc.InvalidInput),
    "epoch '02'": ({"lease_epoch": "02"}, gc.InvalidInput),
    "epoch 2.0": ({"lease_epoch": 2.0}, gc.InvalidInput),
    "epoch True": ({"lease_epoch": True}, gc.InvalidInput),
    "epoch lying": ({"lease_epoch": hostile.LyingNumber(2)}, gc.InvalidInput),
    "no epoch": ({"lease_epoch": None}, gc.PartialFenceTriple),
    "empty epoch": ({"lease_epoch": ""}, gc.PartialFenceTriple),
    "other lease": ({"lease_id": "lease-000001"}, gc.StaleLease),
    "long lease": ({"lease_id": hostile.LONG}, gc.StaleLease),
    "lying lease": ({"lease_id": hostile.LyingText("l")}, gc.InvalidInput),
    "lease of bytes": ({"lease_id": b"l"}, gc.InvalidInput),
    "no lease": ({"lease_id": None}, gc.PartialFenceTriple),
    "empty lease": ({"lease_id": ""}, gc.PartialFenceTriple),
    "other attempt": ({"attempt_id": "attempt-000001"}, gc.StaleLease),
    "no attempt": ({"attempt_id": None}, gc.PartialFenceTriple),
    "empty attempt": ({"attempt_id": ""}, gc.PartialFenceTriple),
    "swapped": ({"lease_id": "attempt-000003", "attempt_id": "lease-000004"}, gc.StaleLease),
    "nothing": ({"lease_id": None, "lease_epoch": None, "attempt_id": ""}, gc.FenceRequired),
    "nobody's": ({"execution_id": "nobody"}, gc.ExecutionNotFound),
    "nobody's and partial": ({"execution_id": "nobody", "lease_id": ""}, gc.ExecutionNotFound),
    "another's": ({"execution_id": "f"}, gc.ExecutionNotActive),
    "execution None": ({"execution_id": None}, gc.InvalidInput),
    "execution empty": ({"execution_id": ""}, gc.InvalidInput),
    "execution blank": ({"execution_id": "a b"}, gc.InvalidInput),
    "execution surrogate": ({"execution_id": "\ud800"}, gc.InvalidInput),
    "execution long": ({"execution_id": hostile.LONG}, gc.InvalidInput),
    "execution lying": ({"execution_id": hostile.LyingText("e")}, gc.InvalidInput),
    "execution bytes": ({"execution_id": b"e"}, gc.InvalidInput),
}


@pytest.mark.uncovered
@every_call
@pytest.mark.parametrize("label", OTHERS)
def test_others_are_refused(call: str, label: str) -> None:
    """I-04, I-06, SPEC 5: the form first, then existence, then completeness, then whose it is."""
    changes, wanted = OTHERS[label]
    world = _held()
    worlds.waiting(world, "f")
    refusal = _refused(world, call, _fence(world, **changes))
    assert type(refusal) is wanted
    if isinstance(refusal, gc.InvalidInput):
        assert refusal.field == f"lease.{next(iter(changes))}"
    if isinstance(refusal, gc.StaleLease):
        assert refusal.current_epoch == 2
    assert isinstance(world.engine.renew_lease(world.lease(), lease_ttl_ms=TTL), gc.Lease)


@every_call
def test_the_holder_passes_in_any_shape(call: str) -> None:
    """SPEC 9: a Lease, a Fence, or anything with the four attributes; copies and older renewals too."""
    shapes: list[Callable[[World], object]] = [
        lambda world: world.lease(),
        _fence,
        lambda world: SimpleNamespace(**attrs.asdict(_fence(world))),
        lambda world: copy.deepcopy(world.lease()),
        lambda world: pickle.loads(pickle.dumps(world.lease())),
        lambda world: attrs.evolve(world.lease(), expires_at_ms=1),
        lambda world: (world.engine.renew_lease(world.lease(), lease_ttl_ms=TTL), world.lease())[1],
    ]
    for shape in shapes:
        world = _held()
        method: Any = getattr(world.engine, call)
        method(shape(world), **CALLS[call])
        world.engine.check()


@every_call
def test_foreign_objects(call: str) -> None:
    """hostile-inputs section 2: attributes that are missing, raise, or are none of ours."""
    world = _held()
    held = world.lease()

    class Raising:
        execution_id, lease_id, lease_epoch = "e", held.lease_id, held.lease_epoch

        @property
        def attempt_id(self) -> str:
            raise ZeroDivisionError

    digest = world.engine.digest()
    method: Any = getattr(world.engine, call)
    with pytest.raises(ZeroDivisionError):
        method(Raising(), **CALLS[call])
    assert world.engine.digest() == digest
    incomplete = SimpleNamespace(execution_id="e", lease_id=held.lease_id)
    assert type(_refused(world, call, incomplete)) is gc.PartialFenceTriple
    assert type(_refused(world, call, SimpleNamespace(execution_id="e"))) is gc.FenceRequired
    for nobody in (None, object(), 5, "e", gc.Lease, SimpleNamespace(), hostile.recursive()):
        assert type(_refused(world, call, nobody)) is gc.InvalidInput


@every_call
@pytest.mark.parametrize("tenure", [None, 5, (), ("e", "l", "a", 1, ()), (5, "l", "a", 1, ("",) * 8)])
def test_a_lease_without_its_fields_is_judged(call: str, tenure: object) -> None:
    """I-63: made by ``__new__`` alone, or overwritten with rubbish; still a documented refusal."""
    world = _held()
    lease = gc.Lease.__new__(gc.Lease)
    if tenure is not None:
        object.__setattr__(lease, "tenure", tenure)
    refusal = _refused(world, call, lease)
    assert isinstance(refusal, gc.InvalidInput)
    assert refusal.field == "lease"


def test_a_batch_judges_a_lease_without_its_fields() -> None:
    """I-63: the others go on; a renewal of many refuses the batch."""
    world = _held()
    empty, engine = gc.Lease.__new__(gc.Lease), world.engine
    with pytest.raises(gc.InvalidInput):
        engine.renew_leases([empty], lease_ttl_ms=TTL)
    refused, completed = engine.complete_many([empty, world.lease()])
    assert isinstance(refused, gc.Refused)
    assert isinstance(refused.error, gc.InvalidInput)
    assert isinstance(completed, gc.Completed)


@every_call
def test_three_different_refusals(call: str) -> None:
    """I-05, I-10, SPEC 5: you were replaced, you are late, you were sent away; and it stays so."""
    world = _held()
    first = attrs.evolve(world.lease())
    world.operator.revoke_lease("e", reason="because")
    away = _refused(world, call, first)
    assert isinstance(away, gc.LeaseRevoked)
    assert away.reason == "because"
    answer = world.engine.issue_reclaim_grant("e", worlds.asking_back())
    assert isinstance(answer, gc.Granted)
    world.grants["e"] = answer.grant
    worlds.take(world, "e", ttl_ms=5)
    replaced = _refused(world, call, first)
    assert isinstance(replaced, gc.StaleLease)
    assert replaced.current_epoch == 3
    world.clock.advance(5)
    late = _refused(world, call, world.lease())
    assert isinstance(late, gc.LeaseExpired)
    assert late.expired_at_ms == world.clock()
    world.operator.cancel("e", reason="")
    ended = _refused(world, call, world.lease())
    assert isinstance(ended, gc.ExecutionNotActive)
    assert (ended.terminal_outcome, ended.lease_epoch) == ("cancelled", 3)
    assert ended.attempt_id == world.lease().attempt_id


def test_a_lease_for_another_execution_than_the_call() -> None:
    """SPEC 5: a lease that names another execution than the call is ``invalid_input``."""
    world = _held()
    worlds.held(world, "f")
    with pytest.raises(gc.InvalidInput) as raised:
        world.engine.cancel_execution("e", reason="r", lease=world.leases["f"])
    assert raised.value.field == "lease.execution_id"


def test_tokens_of_another_engine() -> None:
    """hostile-inputs section 2: ids are minted under each engine's own nonce, a restored one's too."""
    clock = gc.ManualClock(5)
    first = gc.GrantEngine(clock=clock)
    first.create_execution(lane_id="main", execution_id="e")
    data = first.snapshot()
    engines = [first, gc.GrantEngine.restore(data, clock=clock), gc.GrantEngine.restore(data, clock=clock)]
    leases = []
    for engine in engines:
        grant = engine.issue_claim_grant("e", worlds.asking())
        leases.append(engine.take(grant, **worlds.WHO, lease_ttl_ms=TTL))
    assert {lease.lease_epoch for lease in leases} == {1}
    for number, engine in enumerate(engines):
        for other, lease in enumerate(leases):
            if other == number:
                engine.renew_lease(lease, lease_ttl_ms=TTL)
            else:
                with pytest.raises(gc.StaleLease):
                    engine.renew_lease(lease, lease_ttl_ms=TTL)


def test_operator_override_bypasses_neither_lapse_nor_revocation() -> None:
    """I-07: complete and fail work in LEASED only."""
    for build, wanted in ((worlds.lapsed, gc.LeaseExpired), (worlds.revoked, gc.LeaseRevoked)):
        world = new_world()
        build(world)
        for call in (
            partial(world.operator.complete, "e"),
            partial(world.operator.fail, "e", reason="r"),
        ):
            with pytest.raises(wanted):
                call()
