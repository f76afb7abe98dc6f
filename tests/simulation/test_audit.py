"""The auditor: silent on what is right, and each rule is broken by one fact that does not fit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from operator import methodcaller

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.audit import MAX_KEPT, Auditor

Facts = Callable[[Auditor], object]


def found(*facts: Facts) -> list[str]:
    """Have these told, in order; give the rules that were broken."""
    auditor = Auditor()
    for fact in facts:
        fact(auditor)
    assert auditor.found.total() == len(auditor.violations)
    return [violation.split()[0] for violation in auditor.violations]


created = methodcaller("created", "job")
purged = methodcaller("purged", "job")
close = methodcaller("close")


def leased(epoch: int = 1, expires_at_ms: int = 100) -> Facts:
    return methodcaller("leased", "job", epoch, expires_at_ms)


def renewed(at_ms: int = 50, epoch: int = 1, expires_at_ms: int = 150) -> Facts:
    return methodcaller("renewed", at_ms, "job", epoch, expires_at_ms)


def lapsed(at_ms: int = 100, epoch: int = 1) -> Facts:
    return methodcaller("lapsed", at_ms, "job", epoch)


def let_go(at_ms: int = 50, epoch: int = 1) -> Facts:
    return methodcaller("let_go", at_ms, "job", epoch)


def finished(at_ms: int = 50, epoch: int = 1) -> Facts:
    return methodcaller("finished", at_ms, "job", epoch)


def stopped(*, ended: bool) -> Facts:
    return methodcaller("stopped", "job", ended=ended)


def refused(at_ms: int = 50, epoch: int = 1) -> Facts:
    return methodcaller("refused", at_ms, "job", epoch, "stale_lease")


def effect(epoch: int = 1, *, accepted: bool = True) -> Facts:
    return methodcaller("effect", "job", epoch, accepted=accepted)


HELD = (created, leased())
OVER = (*HELD, finished())

BREACHES: list[tuple[str, tuple[Facts, ...], Facts]] = [
    ("I-01", HELD, leased(2)),
    ("I-01", (created,), lapsed(epoch=0)),
    ("I-01", (*HELD, lapsed()), lapsed()),
    ("I-01", HELD, lapsed(epoch=2)),
    ("I-02", (created,), leased(0)),
    ("I-02", (*HELD, lapsed()), leased(1)),
    ("I-02", (*HELD, lapsed()), leased(3)),
    ("I-04", HELD, renewed(100, expires_at_ms=200)),
    ("I-04", HELD, finished(100)),
    ("I-04", HELD, let_go(101)),
    ("I-08", HELD, renewed(50, expires_at_ms=50)),
    ("I-11", HELD, renewed(epoch=2)),
    ("I-11", HELD, let_go(epoch=0)),
    ("I-11", (*HELD, lapsed()), finished()),
    ("I-11", HELD, effect(2)),
    ("I-11", HELD, effect(accepted=False)),
    ("I-11", (*HELD, lapsed(), leased(2), effect(2)), effect(1)),
    ("I-11", (*OVER, purged), effect()),
    ("I-38", (created, stopped(ended=True)), leased()),
    ("I-38", OVER, renewed()),
    ("I-38", OVER, let_go()),
    ("I-39", (created,), created),
    ("I-39", (), leased()),
    ("I-39", (*OVER, purged), leased()),
    ("I-39", OVER, stopped(ended=True)),
    ("I-39", (created,), purged),
    ("I-39", (), stopped(ended=False)),
    ("I-54", HELD, lapsed(101)),
    ("I-55", HELD, lapsed(99)),
    ("I-55", HELD, refused(99)),
    ("I-57", (created,), close),
    ("I-57", HELD, close),
]


@pytest.mark.parametrize(("rule", "before", "last"), BREACHES)
def test_a_fact_that_does_not_fit_breaks_its_rule(rule: str, before: tuple[Facts, ...], last: Facts) -> None:
    assert found(*before) == []
    assert found(*before, last) == [rule]


def test_to_end_twice_breaks_two_rules() -> None:
    assert found(*OVER, finished()) == ["I-38", "I-39"]


@pytest.mark.parametrize(
    "facts",
    [
        (*HELD, effect(), renewed(99), refused(99, epoch=0), refused(150), lapsed(150), refused(99)),
        (*HELD, lapsed(), leased(2), effect(1), effect(2), effect(1, accepted=False)),
        (created, leased(7), let_go(epoch=7), leased(8), finished(99, 8)),
        (*HELD, let_go(), leased(2, 200), effect(3, accepted=False), finished(199, 2)),
        (*HELD, stopped(ended=False), leased(2), stopped(ended=True), effect(), close),
        (*OVER, purged, refused(), effect(accepted=False), created, stopped(ended=True), close),
        (close,),
    ],
)  # fmt: skip
def test_what_is_right_breaks_none(facts: tuple[Facts, ...]) -> None:
    assert found(*facts) == []


def test_a_violation_says_what_happened_to_whom() -> None:
    auditor = Auditor()
    auditor.created("a")
    auditor.leased("a", 1, 100)
    auditor.lapsed(130, "a", 1)
    auditor.effect("a", 9, accepted=True)
    assert auditor.violations == [
        "I-54 a: lapsed at 130, but was to end at 100",
        "I-11 a: an effect of epoch 9 was accepted after 0",
    ]


def test_all_are_counted_and_the_first_of_each_rule_are_kept() -> None:
    auditor = Auditor()
    for number in range(MAX_KEPT + 5):
        auditor.broken(f"I-00 {number}")
    auditor.broken("I-99 rare")
    assert auditor.found == {"I-00": MAX_KEPT + 5, "I-99": 1}
    assert auditor.violations == [*(f"I-00 {number}" for number in range(MAX_KEPT)), "I-99 rare"]


# -- any life that is right --------------------------------------------------------------------

Attempt = tuple[int, list[int], str]
Life = tuple[list[Attempt], str]

ENDS = st.sampled_from(("lapses", "is let go", "is revoked"))
ATTEMPTS = st.lists(st.tuples(st.integers(1, 50), st.lists(st.integers(1, 49), max_size=3), ENDS), max_size=4)
LIVES = st.tuples(ATTEMPTS, st.sampled_from(("finishes", "is cancelled")))


def facts_of(name: str, life: Life) -> Iterator[tuple[str, Facts]]:
    """What is told of an execution: attempts of a ttl, with effects and renewals, that end somehow."""
    attempts, last = life
    now = 0
    yield "created", methodcaller("created", name)
    for epoch, (ttl, gaps, end) in enumerate([*attempts, (50, [], last)], start=1):
        expires = now + ttl
        yield "leased", methodcaller("leased", name, epoch, expires)
        for gap in gaps:
            if now + gap < expires:
                now, expires = now + gap, now + gap + ttl
                yield "renewed", methodcaller("renewed", now, name, epoch, expires)
                yield "effect", methodcaller("effect", name, epoch, accepted=True)
                yield "effect", methodcaller("effect", name, epoch - 1, accepted=False)
        if end == "lapses":
            now = expires
        yield "ended", end_of(end, now, name, epoch)
        yield "refused", methodcaller("refused", now, name, epoch, "stale_lease")
    yield "purged", methodcaller("purged", name)


def end_of(end: str, now: int, name: str, epoch: int) -> Facts:
    return {
        "lapses": methodcaller("lapsed", now, name, epoch),
        "is let go": methodcaller("let_go", now, name, epoch),
        "is revoked": methodcaller("stopped", name, ended=False),
        "finishes": methodcaller("finished", now, name, epoch),
        "is cancelled": methodcaller("stopped", name, ended=True),
    }[end]


@pytest.mark.uncovered
@given(st.lists(LIVES, min_size=1, max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_lives_that_are_right_break_none_however_they_mix(lives: list[Life], chance: random.Random) -> None:
    streams = [facts_of(f"job-{number}", life) for number, life in enumerate(lives)]
    mixed: list[Facts] = []
    while streams:
        stream = chance.choice(streams)
        told = next(stream, None)
        if told is None:
            streams.remove(stream)
        else:
            mixed.append(told[1])
    assert found(*mixed, close) == []


@pytest.mark.uncovered
@given(LIVES, st.data())
@settings(max_examples=40)
def test_a_creation_or_an_end_that_is_not_told_is_missed(life: Life, data: st.DataObject) -> None:
    told = list(facts_of("job", life))
    places = [place for place, (word, _) in enumerate(told) if word in {"created", "ended"}]
    missing = data.draw(st.sampled_from(places))
    assert found(*(fact for place, (_, fact) in enumerate(told) if place != missing), close)
