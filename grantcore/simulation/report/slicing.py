"""Which part of the recorded leases a picture has room for."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from grantcore.simulation.measures import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from grantcore.simulation.record import Tenure

LOST_ENDS: Final = frozenset({"lapsed", "revoked"})
MOST_ROWS: Final = 24
STORIES_WIDE: Final = 10
"""From losing a lease to the next one of the same execution is typically this part of the picture's width."""

Link = tuple["Tenure", "Tenure"]


@attrs.frozen
class Slice:
    """What is shown.

    Attributes:
        begin_ms: where it begins.
        end_ms: where it ends.
        rows: the place of each worker, in natural order.
        workers: how many have a lease in that time; more than there are rows, if there is no room.
        tenures: the leases of these workers that reach into that time.
        links: leases that were lost, each with the next of the same execution.
    """

    begin_ms: int
    end_ms: int
    rows: Mapping[str, int]
    workers: int
    tenures: Sequence[Tenure]
    links: Sequence[Link]


def cut(tenures: Sequence[Tenure]) -> Slice:
    """Cut out where most lost leases are taken over, and the workers that they are about. O(n * links)."""
    begin_ms, end_ms = _window(tenures, list(links(tenures)))
    inside = [tenure for tenure in tenures if tenure.begin_ms < end_ms and tenure.end_ms >= begin_ms]
    rows = _rows(inside)
    shown = [tenure for tenure in inside if tenure.worker_id in rows]
    workers = len({tenure.worker_id for tenure in inside})
    return Slice(begin_ms, end_ms, rows, workers, shown, list(links(shown)))


def links(tenures: Sequence[Tenure]) -> Iterator[Link]:
    """Pair each lease that was lost with the next of the same execution, if it is among these."""
    by_execution: dict[str, list[Tenure]] = {}
    for tenure in tenures:
        by_execution.setdefault(tenure.execution_id, []).append(tenure)
    for held in by_execution.values():
        for lost, taken in pairwise(sorted(held, key=lambda tenure: tenure.lease_epoch)):
            if lost.end in LOST_ENDS:
                yield lost, taken


def _window(tenures: Sequence[Tenure], all_links: Sequence[Link]) -> tuple[int, int]:
    """Choose the time in which most lost leases are taken over; all of it if none is."""
    first_ms = min(tenure.begin_ms for tenure in tenures)
    last_ms = max(first_ms + 1, *(tenure.end_ms for tenure in tenures))
    stories_ms = sorted(taken.begin_ms - lost.begin_ms for lost, taken in all_links)
    width_ms = STORIES_WIDE * percentile(stories_ms, 50)
    if not 0 < width_ms < last_ms - first_ms:
        return first_ms, last_ms

    def told(begin_ms: int) -> int:
        """Count the links from begin to end inside a window that begins here."""
        return sum(
            begin_ms <= lost.begin_ms and taken.begin_ms < begin_ms + width_ms for lost, taken in all_links
        )

    margin_ms = width_ms // 20
    begins_ms = sorted({max(lost.begin_ms - margin_ms, first_ms) for lost, _ in all_links})
    begin_ms = max(begins_ms, key=told)
    return begin_ms, min(begin_ms + width_ms, last_ms)


def _rows(tenures: Sequence[Tenure]) -> dict[str, int]:
    """Give each worker its row, in natural order; of too many those that matter to lost leases stay."""
    weight = Counter[str](tenure.worker_id for tenure in tenures)
    for lost, taken in links(tenures):
        weight.update({lost.worker_id: len(tenures), taken.worker_id: len(tenures)})
    chosen = sorted(weight, key=lambda worker_id: (-weight[worker_id], _natural(worker_id)))[:MOST_ROWS]
    return {worker_id: row for row, worker_id in enumerate(sorted(chosen, key=_natural))}


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort numbers inside names as numbers: ``w-2`` before ``w-10``."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]
