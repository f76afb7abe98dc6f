"""Draws: the same everywhere, independent by name, of the distribution they say."""

from __future__ import annotations

import math
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.chance import Chance, Pick

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWS = 4_000
NORMAL = NormalDist()


def furthest(draw: Callable[[], float], below: Callable[[float], float]) -> float:
    """Give the Kolmogorov-Smirnov distance of draws from a distribution, times the root of their number.

    It is above 1.95 in one of a thousand samples of that distribution.
    """
    drawn = sorted(draw() for _ in range(DRAWS))
    apart = max(max(abs(below(x) - n / DRAWS), abs(below(x) - (n + 1) / DRAWS)) for n, x in enumerate(drawn))
    return apart * math.sqrt(DRAWS)


def lognormal(mean: float, sigma: float) -> Callable[[float], float]:
    return lambda x: NORMAL.cdf((math.log(x / mean) + sigma**2 / 2) / sigma)


def pareto(mean: float, alpha: float) -> Callable[[float], float]:
    least = mean * (alpha - 1) / alpha
    return lambda x: 1 - (least / x) ** alpha


def test_chance_is_the_same_everywhere() -> None:
    chance = Chance(1)
    assert [chance.below(1000) for _ in range(4)] == [440, 256, 858, 74]
    named = Chance(1, "faults")
    assert [round(named.exponential(1e6)) for _ in range(2)] == [2842510, 2139363]
    assert [round(1e6 * named.normal()) for _ in range(2)] == [-176580, -656609]
    assert [round(named.lognormal(1e6, 1.5)) for _ in range(2)] == [220251, 3153394]
    assert [round(named.pareto(1e6, 1.5)) for _ in range(2)] == [507393, 3502020]


def test_nothing_happens_in_no_case_and_all_in_all() -> None:
    chance = Chance(1)
    assert not any(chance.happens(0.0) for _ in range(100))
    assert all(chance.happens(1.0) for _ in range(100))
    assert 0.28 < fmean(chance.happens(0.3) for _ in range(DRAWS)) < 0.32


def test_streams_of_other_names_and_seeds_are_unlike() -> None:
    streams = [Chance(1, "a"), Chance(1, "b"), Chance(2, "a"), Chance(1), Chance(11, "a"), Chance(1, "1 a")]
    assert len({stream.share() for stream in streams}) == len(streams)
    one, other = Chance(1, "a"), Chance(1, "b")
    pairs = [(one.share() - 0.5, other.share() - 0.5) for _ in range(DRAWS)]
    assert abs(fmean(a * b for a, b in pairs)) < 4 / 12 / math.sqrt(DRAWS)


def test_draws_of_one_stream_do_not_disturb_another() -> None:
    quiet, disturbed, other = Chance(5, "a"), Chance(5, "a"), Chance(5, "b")
    for _ in range(10):
        other.share()
        assert quiet.share() == disturbed.share()


@pytest.mark.parametrize(
    ("draw", "below"),
    [
        (lambda chance: chance.share(), lambda x: x),
        (lambda chance: chance.exponential(20.0), lambda x: 1 - math.exp(-x / 20)),
        (lambda chance: chance.normal(), NORMAL.cdf),
        (lambda chance: chance.lognormal(240.0, 1.5), lognormal(240, 1.5)),
        (lambda chance: chance.lognormal(240.0, 0.3), lognormal(240, 0.3)),
        (lambda chance: chance.pareto(240.0, 1.5), pareto(240, 1.5)),
        (lambda chance: chance.pareto(240.0, 3.0), pareto(240, 3.0)),
    ],
)
def test_draws_are_of_their_distribution(
    draw: Callable[[Chance], float], below: Callable[[float], float]
) -> None:
    chance = Chance(3, "shape")
    assert furthest(lambda: draw(chance), below) < 1.95
    assert furthest(lambda: 1.2 * draw(chance), below) > 1.95  # a fifth too long would be seen


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0])
def test_the_mean_of_a_lognormal_is_the_one_stated(sigma: float) -> None:
    chance = Chance(4)
    assert fmean(chance.lognormal(100.0, sigma) for _ in range(20_000)) == pytest.approx(100, rel=0.02)


class Same(Chance):
    """Draws the same share each time."""

    def __init__(self, share: float) -> None:
        self.share = lambda: share


@pytest.mark.parametrize("share", [0.0, 0.5, 1 - 2**-53])
def test_the_ends_of_the_range_are_finite(share: float) -> None:
    chance = Same(share)
    draws = [
        chance.exponential(1.0),
        chance.normal(),
        chance.lognormal(1e10, 4.0),
        chance.pareto(1e10, 1.0001),
    ]
    assert all(map(math.isfinite, draws))


@pytest.mark.uncovered
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8).filter(any), st.floats(0, 1, exclude_max=True))
@settings(max_examples=40)
def test_only_what_has_weight_is_picked(weights: list[float], share: float) -> None:
    pick = Pick(list(enumerate(weights)))
    assert weights[pick.at(share)] > 0
    assert weights[pick.at(1 - 2**-53)] > 0


def test_weights_too_small_to_be_divided_are_still_picked() -> None:
    assert Pick([("a", 5e-324), ("b", 0.0)]).at(1 - 2**-53) == "a"


def test_picks_are_as_frequent_as_their_weights() -> None:
    chance, pick = Chance(6), Pick([("a", 6.0), ("b", 0.0), ("c", 3.0), ("d", 1.0)])
    picked = [pick.at(chance.share()) for _ in range(DRAWS)]
    for name, share in (("a", 0.6), ("b", 0.0), ("c", 0.3), ("d", 0.1)):
        assert picked.count(name) / DRAWS == pytest.approx(share, abs=0.02)
