"""Numbers and ticks as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore.simulation.report import ticks, words

TEXTS = st.text(st.sampled_from("ab <&$\x00\x1b\n\u202e\u200b\ud800中é😀"), max_size=40)
SPANS = st.integers(0, 63).flatmap(lambda bits: st.integers(0, 2**bits - 1))


@pytest.mark.uncovered
@given(SPANS)
def test_a_duration_can_be_read_back(ms: int) -> None:
    text = words.duration(ms)
    if ms < 60_000:
        assert round(float(text.removesuffix(" s")) * 1000) == ms
        return
    found = re.fullmatch(r"(?:([\d,]+) d )?(\d+):(\d\d):(\d\d)", text)
    assert found
    days, hours, minutes, seconds = (int((part or "0").replace(",", "")) for part in found.groups())
    assert ((days * 24 + hours) * 60 + minutes) * 60 + seconds == ms // 1000


@pytest.mark.uncovered
@given(TEXTS)
def test_safe_text_is_printable_and_printable_text_is_safe(text: str) -> None:
    assert words.safe(text).isprintable()
    assert (words.safe(text) == text) == text.isprintable()


@pytest.mark.uncovered
@given(TEXTS, st.integers(1, 30))
def test_long_text_is_cut(text: str, longest: int) -> None:
    assert len(words.safe(text, longest)) <= longest


@pytest.mark.uncovered
@given(SPANS)
def test_a_linear_axis_has_few_ticks_with_different_names(span_ms: int) -> None:
    found = ticks.linear(span_ms)
    assert 1 <= len(found) <= ticks.MOST_TICKS
    assert found[0] == 0
    assert found[-1] <= span_ms
    assert len({ticks.short(tick) for tick in found}) == len(found)
    if span_ms >= 4:
        assert len(found) >= 3


@pytest.mark.uncovered
@given(SPANS, SPANS)
def test_a_logarithmic_axis_has_few_ticks_with_different_names(one_ms: int, other_ms: int) -> None:
    low_ms, high_ms = sorted((max(one_ms, 1), max(other_ms, 1)))
    found = ticks.logarithmic(low_ms, high_ms)
    assert len(found) <= ticks.MOST_LOG_TICKS
    assert list(found) == sorted(set(found))
    assert all(low_ms <= tick <= high_ms for tick in found)
    assert len({ticks.short(tick) for tick in found}) == len(found)


@pytest.mark.uncovered
@given(SPANS)
def test_a_short_duration_is_less_than_a_tenth_too_short(ms: int) -> None:
    sizes = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
    parts = re.findall(r"([\d,]+) (\w+)", ticks.short(ms))
    read = sum(int(count.replace(",", "")) * sizes[unit] for count, unit in parts)
    assert read <= ms
    assert ms - read <= ms / 10
