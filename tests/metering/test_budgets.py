"""Budgets: limits, ledgers, keys and periods (SPEC 8, reference 14)."""

from __future__ import annotations

import pytest

import grantcore as gc
from tests.metering.conftest import Rig

DAY_MS = 86_400_000
PERIOD_MS = 1_000


def budget(rig: Rig, *, hard: int = 10, soft: int = 6, period_ms: int | None = None) -> None:
    added = rig.engine.create_budget(
        "b", hard_limits={"usd": hard}, soft_limits={"usd": soft}, reset_interval_ms=period_ms
    )
    assert added == gc.Added("b")


def test_hard_and_soft_limits(rig: Rig) -> None:
    """Reference 14: equality is no breach; a hard breach applies nothing at all."""
    budget(rig)
    use = rig.engine.report_usage
    assert use("b", {"usd": 6}) == gc.UsageApplied("b", None)
    assert use("b", {"calls": 3, "usd": 4}) == gc.UsageApplied("b", gc.Breach("usd", 10, 6))
    before = rig.engine.digest()
    assert use("b", {"calls": 1, "usd": 1}, dedup_key="k") == gc.HardBreach("b", "usd", 10, 10)
    assert rig.engine.digest() == before
    assert rig.engine.describe_budget("b").usage == {"calls": 3, "usd": 10}


@pytest.mark.parametrize(("after_ms", "known"), [(DAY_MS - 1, True), (DAY_MS, False)])
def test_a_key_counts_once_in_its_window(rig: Rig, after_ms: int, *, known: bool) -> None:
    """D-27: half-open; the key of a breach is not remembered."""
    budget(rig)
    rig.engine.report_usage("b", {"usd": 1}, dedup_key="k")
    rig.clock.advance(after_ms)
    answer = rig.engine.record_spend("b", "e", {"usd": 1}, dedup_key="k")
    assert (answer == gc.AlreadySatisfied("already_applied")) is known
    assert rig.engine.describe_budget("b").usage == {"usd": 1 if known else 2}


def test_expired_keys_make_room(rig: Rig) -> None:
    """SPEC 8: keys live a day; they do not pile up."""
    budget(rig, hard=0)
    for number in range(200):
        rig.engine.report_usage("b", {}, dedup_key=str(number))
        rig.clock.advance(DAY_MS // 10)
    assert len(rig.engine._store.budgets["b"].keys) < 100


def test_what_was_spent_is_given_back(rig: Rig) -> None:
    """Reference 14: not below zero; once; the execution need not exist."""
    budget(rig)
    rig.engine.record_spend("b", "e", {"usd": 4})
    rig.engine.record_spend("b", "e", {"usd": 1, "calls": 2})
    rig.engine.report_usage("b", {"usd": 2})
    assert rig.engine.describe_budget("b").by_execution == {"e": {"usd": 5, "calls": 2}}
    assert rig.engine.release_budget("b", "e")
    assert not rig.engine.release_budget("b", "e")
    status = rig.engine.describe_budget("b")
    assert (status.usage, status.by_execution) == ({"usd": 2, "calls": 0}, {})


def test_a_reset_keeps_the_ledgers(rig: Rig) -> None:
    """Reference 14; the period counts from the reset."""
    budget(rig, period_ms=PERIOD_MS)
    rig.clock.advance(300)
    rig.engine.record_spend("b", "e", {"usd": 4})
    assert rig.engine.reset_budget("b") == rig.clock() + PERIOD_MS
    status = rig.engine.describe_budget("b")
    assert (status.usage, dict(status.by_execution)) == ({"usd": 0}, {"e": {"usd": 4}})
    assert rig.engine.release_budget("b", "e")
    assert rig.engine.describe_budget("b").usage == {"usd": 0}
    assert rig.engine.create_budget("c", hard_limits={}) == gc.Added("c")
    assert rig.engine.reset_budget("c") is None


@pytest.mark.parametrize("periods", [1, 2, 1_000_000])
def test_missed_periods_cost_nothing(rig: Rig, periods: int) -> None:
    """SPEC 3: derived, no deadline, no event, whatever time has passed."""
    budget(rig, period_ms=PERIOD_MS)
    began_ms = rig.clock()
    rig.engine.report_usage("b", {"usd": 10})
    events = rig.engine.stats().events
    rig.clock.set(began_ms + periods * PERIOD_MS - 1)
    assert rig.engine.describe_budget("b").usage == {"usd": 10 if periods == 1 else 0}
    rig.clock.advance(1)
    status = rig.engine.describe_budget("b")
    assert (status.usage, status.next_reset_at_ms) == ({"usd": 0}, began_ms + (periods + 1) * PERIOD_MS)
    assert rig.engine.stats().events == events
    again = gc.GrantEngine.restore(rig.engine.snapshot(), clock=rig.clock)
    assert again.digest() == rig.engine.digest()
    assert again.describe_budget("b") == status


def test_a_period_beyond_the_last_instant_is_none(rig: Rig) -> None:
    """I-52."""
    rig.engine.create_budget("b", hard_limits={}, reset_interval_ms=2**53 - 1)
    assert rig.engine.describe_budget("b").next_reset_at_ms is None


def test_a_used_up_budget_keeps_back_until_it_is_reset(rig: Rig) -> None:
    """SPEC 7: used up at ``used >= hard``; an interrupted attempt goes on, a lost one spends anew."""
    budget(rig, period_ms=PERIOD_MS)
    rig.create("a", "b", "c", budget_ids=["b"])
    lease, lost = rig.hold("a"), rig.hold("b")
    rig.operator.revoke_lease("b", reason="")
    rig.engine.report_usage("b", {"usd": 9})
    rig.issue("c", ttl_ms=1)
    rig.clock.advance(1)
    rig.engine.report_usage("b", {"usd": 1})
    refusal = rig.refused("c")
    assert isinstance(refusal, gc.BudgetExceeded)
    assert refusal.retry_at_ms == rig.engine.describe_budget("b").next_reset_at_ms
    with pytest.raises(gc.BudgetExceeded):
        rig.reclaim(lost.execution_id)
    rig.engine.release_execution(lease)
    rig.hold("a")
    rig.clock.set(refusal.retry_at_ms or 0)
    rig.hold("c")
    rig.reclaim("b")
    rig.engine.check()


def test_several_budgets_open_when_the_last_does(rig: Rig) -> None:
    """SPEC 7: ``retry_at_ms`` where time alone heals it."""
    for name, period_ms in (("x", 100), ("y", 300)):
        rig.engine.create_budget(name, hard_limits={"n": 1}, reset_interval_ms=period_ms)
        rig.engine.report_usage(name, {"n": 1})
    rig.engine.create_budget("z", hard_limits={"n": 1})
    rig.create("both", budget_ids=["x", "y"])
    rig.create("never", budget_ids=["x", "z"])
    rig.engine.report_usage("z", {"n": 1})
    assert rig.refused("both").retry_at_ms == rig.clock() + 300  # type: ignore[attr-defined]
    assert rig.refused("never").retry_at_ms is None  # type: ignore[attr-defined]


def test_names_that_do_not_exist(rig: Rig) -> None:
    with pytest.raises(gc.BudgetNotFound):
        rig.create("a", budget_ids=["none"])
    for call in (
        lambda: rig.engine.report_usage("none", {}),
        lambda: rig.engine.record_spend("none", "e", {}),
        lambda: rig.engine.release_budget("none", "e"),
        lambda: rig.engine.reset_budget("none"),
        lambda: rig.engine.describe_budget("none"),
    ):
        with pytest.raises(gc.BudgetNotFound):
            call()


@pytest.mark.parametrize(
    "amounts",
    [None, 5, "usd", [("usd", 1)], {"usd": True}, {"usd": -1}, {"usd": 1.0}, {"": 1}, {1: 1}, {"u": 2**53}],
    ids=str,
)
def test_amounts_are_whole_numbers_by_name(rig: Rig, amounts: object) -> None:
    """hostile-inputs 1; nothing is written."""
    budget(rig)
    before = rig.engine.digest()
    for field, call in (
        ("deltas", lambda: rig.engine.report_usage("b", amounts)),  # type: ignore[arg-type]
        ("deltas", lambda: rig.engine.record_spend("b", "e", amounts)),  # type: ignore[arg-type]
        ("hard_limits", lambda: rig.engine.create_budget("c", hard_limits=amounts)),  # type: ignore[arg-type]
        (
            "soft_limits",
            lambda: rig.engine.create_budget("c", hard_limits={}, soft_limits=amounts),  # type: ignore[arg-type]
        ),
    ):
        with pytest.raises(gc.InvalidInput) as refusal:
            call()
        assert refusal.value.field == field
    assert rig.engine.digest() == before


def test_dimensions_and_sums_are_bounded(rig: Rig) -> None:
    """I-52, I-64."""
    budget(rig, hard=0, soft=0)
    many = {f"d{number}": 1 for number in range(65)}
    for deltas in (many, {"usd": 2**53 - 1}):
        rig.engine.report_usage("b", {"usd": 1})
        with pytest.raises(gc.InvalidInput):
            rig.engine.report_usage("b", deltas)
    rig.engine.report_usage("b", dict(list(many.items())[:63]))
    with pytest.raises(gc.InvalidInput):
        rig.engine.report_usage("b", {"one more": 1})
