"""What an execution's creator decided about attempts, retries and limits (SPEC 9)."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from typing import Final, cast

import attrs

from grantcore.model import checks
from grantcore.model.config import MAX_TTL_MS
from grantcore.model.errors import invalid

MAX_COUNT: Final = 1_000_000
MAX_CATEGORIES: Final = 256
MAX_CATEGORY_BYTES: Final = 256
MAX_PERMILLE: Final = 1_000_000


@attrs.frozen(cache_hash=True)
class Fixed:
    """Wait ``delay_ms`` before every retry."""

    delay_ms: int = 1000

    def __attrs_post_init__(self) -> None:
        """Judge the range."""
        checks.integer("delay_ms", self.delay_ms, 0, MAX_TTL_MS)

    def delay_before_retry_ms(self, _retry_count: int) -> int:
        """Give the wait in milliseconds; O(1)."""
        return self.delay_ms


@attrs.frozen(cache_hash=True)
class Exponential:
    """Wait longer each time, at most ``max_delay_ms``; integers only (SPEC 9).

    >>> [Exponential(100, 1000, 2500).delay_before_retry_ms(n) for n in range(4)]
    [100, 250, 625, 1000]
    """

    initial_delay_ms: int = 1000
    max_delay_ms: int = 60_000
    multiplier_permille: int = 2000
    jitter: bool = False

    def __attrs_post_init__(self) -> None:
        """Judge the ranges."""
        checks.integer("initial_delay_ms", self.initial_delay_ms, 0, MAX_TTL_MS)
        checks.integer("max_delay_ms", self.max_delay_ms, 0, MAX_TTL_MS)
        checks.integer("multiplier_permille", self.multiplier_permille, 0, MAX_PERMILLE)
        checks.flag("jitter", self.jitter)

    def delay_before_retry_ms(self, retry_count: int) -> int:
        """Give the wait in milliseconds before jitter, after ``retry_count`` earlier retries.

        O(retry_count) until the delay stands still.
        """
        delay = min(self.initial_delay_ms, self.max_delay_ms)
        for _ in range(retry_count):
            longer = min(delay * self.multiplier_permille // 1000, self.max_delay_ms)
            if longer == delay:
                break
            delay = longer
        return delay


def _categories(value: object) -> frozenset[str]:
    """Read a bounded set of category names."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise invalid("retryable_categories", "an iterable of str")
    given = cast("Iterable[object]", value)
    names: set[str] = set()
    for count, name in enumerate(given):
        if count == MAX_CATEGORIES:
            raise invalid("retryable_categories", f"at most {MAX_CATEGORIES} names")
        names.add(checks.text("retryable_categories", name, MAX_CATEGORY_BYTES))
    return frozenset(names)


@attrs.frozen(cache_hash=True)
class RetryPolicy:
    """Retry at most ``max_retries`` times, for these categories of failure (none named: for all)."""

    max_retries: int = 3
    backoff: Fixed | Exponential = Exponential()
    retryable_categories: frozenset[str] = attrs.field(default=frozenset(), converter=_categories)

    def __attrs_post_init__(self) -> None:
        """Judge the ranges."""
        checks.integer("max_retries", self.max_retries, 0, MAX_COUNT)
        if type(self.backoff) not in (Fixed, Exponential):
            raise invalid("backoff", "a Fixed or an Exponential")

    def retries(self, category: str, retry_count: int) -> bool:
        """Tell whether a failure of this category is retried after ``retry_count`` retries (D-15)."""
        wanted = not self.retryable_categories or category in self.retryable_categories
        return wanted and retry_count < self.max_retries

    def delay_ms(self, retry_count: int, execution_id: str, attempt_index: int) -> int:
        """Give the backoff in milliseconds; jitter is a pure function of its arguments (SPEC 9)."""
        delay = self.backoff.delay_before_retry_ms(retry_count)
        if type(self.backoff) is Exponential and self.backoff.jitter:
            least = delay // 2
            return least + binascii.crc32(f"{execution_id}#{attempt_index}".encode()) % (delay - least + 1)
        return delay


@attrs.frozen(cache_hash=True)
class ExecutionPolicy:
    """Retries, attempt timeout in milliseconds, and how often an execution may be taken over or replayed.

    Raises:
        InvalidInput: a field is out of range.
    """

    retry: RetryPolicy | None = None
    attempt_timeout_ms: int | None = None
    max_reclaim_count: int = 100
    max_replay_count: int = 10

    def __attrs_post_init__(self) -> None:
        """Judge the ranges."""
        if self.retry is not None:
            checks.instance("retry", self.retry, RetryPolicy)
        if self.attempt_timeout_ms is not None:
            checks.integer("attempt_timeout_ms", self.attempt_timeout_ms, 1, MAX_TTL_MS)
        checks.integer("max_reclaim_count", self.max_reclaim_count, 0, MAX_COUNT)
        checks.integer("max_replay_count", self.max_replay_count, 0, MAX_COUNT)
