"""hostile-inputs section 2, grants: a value that names an execution; the engine believes its own record."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs
import pytest

import grantcore as gc
from tests.robustness import hostile, worlds
from tests.robustness.worlds import TTL, WHO, World, asking, new_world

Grant = gc.ClaimGrant | gc.ResumeGrant | gc.ReclaimGrant
BUILDS: Final = {"claim": worlds.granted, "resume": worlds.resumable, "reclaim": worlds.reclaimable}
KINDS: Final = pytest.mark.parametrize("kind", BUILDS)


def _granted(kind: str) -> tuple[World, Any]:
    world = new_world()
    BUILDS[kind](world)
    return world, world.grants["e"]


def _take(world: World, grant: object, **changes: object) -> gc.Lease:
    take: Any = world.engine.take
    lease: gc.Lease = take(grant, **{**WHO, "lease_ttl_ms": TTL, **changes})
    return lease


def _refused(world: World, call: Callable[[], object]) -> gc.GrantError:
    """The refusal, which changes nothing: the grant stays with its owner (I-19, I-40)."""
    before = world.engine.digest()
    with pytest.raises(gc.GrantError) as raised:
        call()
    assert world.engine.digest() == before
    world.engine.check()
    return raised.value


@KINDS
def test_wrong_worker(kind: str) -> None:
    """I-15, I-19: refused, and the grant is intact for its owner."""
    world, grant = _granted(kind)
    refusal = _refused(world, partial(_take, world, grant, worker_id="other"))
    assert isinstance(refusal, gc.InvalidClaimGrant)
    assert refusal.reason == "other_worker"
    assert not world.engine.withdraw_grant(grant, worker_id="other")
    assert _take(world, grant).worker_id == "w"


@KINDS
def test_right_worker_other_instance(kind: str) -> None:
    """I-15: the instance is recorded from the claim and never compared."""
    world, grant = _granted(kind)
    assert _take(world, grant, worker_instance_id="elsewhere").worker_instance_id == "elsewhere"


@KINDS
def test_used_twice(kind: str) -> None:
    """I-13: consumed at most once, also as a copy of itself."""
    world, grant = _granted(kind)
    _take(world, grant)
    assert isinstance(
        _refused(world, partial(_take, world, grant)), (gc.ExecutionNotLeaseable, gc.ExecutionNotReclaimable)
    )
    world.operator.revoke_lease("e", reason="r")
    again = _refused(world, partial(_take, world, grant))
    assert isinstance(again, (gc.ExecutionNotLeaseable, gc.InvalidClaimGrant))


@KINDS
def test_copies_are_still_one_consumption(kind: str) -> None:
    """hostile-inputs section 2: evolved, pickled, copied: a value, one consumption."""
    for make in (copy.copy, copy.deepcopy, attrs.evolve, lambda grant: pickle.loads(pickle.dumps(grant))):
        world, grant = _granted(kind)
        twin = make(grant)
        assert twin == grant
        assert hash(twin) == hash(grant)
        assert repr(twin) == repr(grant)
        _take(world, twin)
        for grant_again in (grant, twin):
            _refused(world, partial(_take, world, grant_again))


@KINDS
def test_one_grant_many_claims(kind: str) -> None:
    """hostile-inputs section 2: of very many claims on one grant, one succeeds."""
    world, grant = _granted(kind)
    wins = 0
    for _ in range(10_000):
        try:
            _take(world, grant)
        except gc.GrantError:
            continue
        wins += 1
    assert wins == 1


@pytest.mark.parametrize("held", BUILDS)
@pytest.mark.parametrize("shown", [gc.ClaimGrant, gc.ResumeGrant, gc.ReclaimGrant])
def test_kinds_are_not_confused(held: str, shown: type[Grant]) -> None:
    """I-16, D-03: the type is the kind; a grant rebuilt as another type is another kind."""
    world, grant = _granted(held)
    if type(grant) is shown:
        return
    build: Any = shown
    fields = ("e", grant.expires_at_ms) if shown is gc.ClaimGrant else ("e", grant.expires_at_ms, "main")
    refusal = _refused(world, partial(_take, world, build(*fields)))
    assert isinstance(refusal, (gc.InvalidClaimGrant, gc.ExecutionNotReclaimable, gc.ExecutionNotLeaseable))
    assert not world.engine.withdraw_grant(build(*fields), worker_id="w")
    for call in ("claim_execution", "claim_resumed_execution", "reclaim_execution"):
        method: Any = getattr(world.engine, call)
        if not call.startswith({"claim": "claim_e", "resume": "claim_r", "reclaim": "reclaim"}[held]):
            wrong = _refused(world, partial(method, grant, **WHO, lease_ttl_ms=TTL))
            assert isinstance(wrong, gc.InvalidInput)
            assert wrong.field == "grant"
    _take(world, grant)


@KINDS
def test_another_executions_grant(kind: str) -> None:
    """hostile-inputs section 2: a grant is for its own execution; naming another finds no grant there."""
    world, grant = _granted(kind)
    worlds.waiting(world, "f")
    stolen = attrs.evolve(grant, execution_id="f")
    _refused(world, partial(_take, world, stolen))
    missing = _refused(world, partial(_take, world, attrs.evolve(grant, execution_id="nobody")))
    assert isinstance(missing, gc.ExecutionNotFound)
    _take(world, grant)


@KINDS
def test_a_grant_of_another_engine(kind: str) -> None:
    """hostile-inputs section 2: where nothing is granted, a grant from elsewhere opens nothing."""
    _, grant = _granted(kind)
    other = new_world()
    worlds.waiting(other)
    _refused(other, partial(_take, other, grant))


@KINDS
@pytest.mark.parametrize("changed_ms", [0, 1, 2**53 - 1])
def test_a_tampered_expiry_has_no_effect(kind: str, changed_ms: int) -> None:
    """hostile-inputs section 2: the engine reads only its own record: neither later nor sooner."""
    world, grant = _granted(kind)
    object.__setattr__(grant, "expires_at_ms", changed_ms)
    digest = world.engine.digest()
    assert world.engine.digest() == digest
    assert not world.engine.withdraw_grant(grant, worker_id="w")
    world.clock.advance(TTL - 1)
    twin_world, twin = _granted(kind)
    object.__setattr__(twin, "expires_at_ms", changed_ms)
    _take(world, grant)
    twin_world.clock.advance(TTL)
    assert isinstance(_refused(twin_world, partial(_take, twin_world, twin)), gc.InvalidClaimGrant)


@KINDS
def test_tampered_fields_are_judged(kind: str) -> None:
    """I-63: overwritten with rubbish: malformed input, unless the engine does not even look at it."""
    for bad in (5, None, "\ud800", hostile.recursive()):
        world, grant = _granted(kind)
        object.__setattr__(grant, "execution_id", bad)
        refusal = _refused(world, partial(_take, world, grant))
        assert isinstance(refusal, gc.InvalidInput)
        assert refusal.field.endswith("execution_id")
    for bad in ("5", None, -1, 2**53, hostile.LyingNumber(5), hostile.recursive()):
        world, grant = _granted(kind)
        object.__setattr__(grant, "expires_at_ms", bad)
        for _ in range(2):
            try:
                _take(world, grant)
            except gc.GrantError as refusal:
                assert not isinstance(refusal, gc.InvariantBroken)
        world.operator.cancel("e", reason="")
        world.engine.replay_execution("e")
        _refused(world, partial(_take, world, grant))
        malformed = _refused(world, partial(world.engine.withdraw_grant, grant, worker_id="w"))
        assert isinstance(malformed, gc.InvalidInput)
        assert malformed.field == "grant.expires_at_ms"


@pytest.mark.parametrize("kind", [gc.ClaimGrant, gc.ResumeGrant, gc.ReclaimGrant])
def test_a_grant_without_fields_is_judged(kind: type[Grant]) -> None:
    """I-63: made by ``__new__`` alone; still a documented refusal."""
    world = new_world()
    refusal = _refused(world, partial(_take, world, kind.__new__(kind)))
    assert isinstance(refusal, gc.InvalidInput)
    assert refusal.field.endswith("execution_id")


def test_a_batch_judges_a_grant_without_fields() -> None:
    """I-63: the others go on."""
    world, grant = _granted("claim")
    empty, odd = gc.ClaimGrant.__new__(gc.ClaimGrant), gc.ClaimGrant("e", 5)
    object.__setattr__(odd, "execution_id", [])
    *refused, lease = world.engine.claim_many([empty, odd, grant], **WHO, lease_ttl_ms=TTL)
    assert [isinstance(one, gc.Refused) and type(one.error) for one in refused] == [gc.InvalidInput] * 2
    assert isinstance(lease, gc.Lease)


def test_a_subclass_of_a_grant_is_no_grant() -> None:
    """D-03: the exact type is the kind."""

    class Mine(gc.ClaimGrant):
        pass

    world, grant = _granted("claim")
    refusal = _refused(world, partial(_take, world, Mine(grant.execution_id, grant.expires_at_ms)))
    assert isinstance(refusal, gc.InvalidInput)


def test_after_cancel_and_replay() -> None:
    """D-04: a grant is void with the phase it was issued for; a new life has nothing to do with it."""
    world, grant = _granted("claim")
    world.engine.cancel_execution("e", reason="r")
    assert isinstance(_refused(world, partial(_take, world, grant)), gc.ExecutionNotLeaseable)
    world.engine.replay_execution("e")
    assert isinstance(_refused(world, partial(_take, world, grant)), gc.InvalidClaimGrant)
    assert not world.engine.withdraw_grant(grant, worker_id="w")


def test_after_purge_and_rebirth() -> None:
    """D-04: the same id, another execution."""
    world, grant = _granted("claim")
    world.engine.cancel_execution("e", reason="r")
    world.engine.purge_execution("e")
    worlds.waiting(world)
    assert isinstance(_refused(world, partial(_take, world, grant)), gc.InvalidClaimGrant)


def test_withdraw_takes_back_exactly_this_grant() -> None:
    """SPEC 9: kind, worker and expiry; an older grant for the same execution is another grant."""
    world, grant = _granted("claim")
    assert world.engine.withdraw_grant(grant, worker_id="w")
    assert not world.engine.withdraw_grant(grant, worker_id="w")
    world.clock.advance(1)
    newer = world.engine.issue_claim_grant("e", asking())
    assert not world.engine.withdraw_grant(grant, worker_id="w")
    assert world.engine.describe_grant("e") is not None
    assert world.engine.withdraw_grant(newer, worker_id="w")


@pytest.mark.parametrize("request_", [hostile.VALUES["dict"], asking, worlds.asking_back()])
def test_a_foreign_request_is_refused(request_: object) -> None:
    """D-03: each kind is asked for by its own request."""
    world = new_world()
    worlds.waiting(world)
    issue: Any = world.engine.issue_claim_grant
    refusal = _refused(world, partial(issue, "e", request_))
    assert isinstance(refusal, gc.InvalidInput)
    assert refusal.field == "request"


def test_an_evolved_request_is_judged_anew() -> None:
    """SPEC 9: validated once, when built, and ``attrs.evolve`` builds."""
    with pytest.raises(gc.InvalidInput):
        attrs.evolve(asking(), grant_ttl_ms=0)
    with pytest.raises(gc.InvalidCapabilities):
        attrs.evolve(asking(), worker_capabilities="gpu")
