"""The workers: who they are and what they can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from grantcore.simulation.sizes import carried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grantcore.simulation.scenario.model import Group

Work = dict[tuple[str, ...], int]
"""Work in milliseconds by required capability set."""


@attrs.frozen
class Member:
    """A worker as it is planned: its id, its tokens in order, how many thousandths of a job's pace it has."""

    worker_id: str
    capabilities: tuple[str, ...]
    speed_permille: int


def muster(groups: Sequence[Group], work: Mapping[tuple[str, ...], int]) -> list[Member]:
    """Name all workers. A group without capabilities of its own is shared out over the work.

    A worker that carries a size carries all smaller ones (``sizes.carried``).

    Args:
        groups: the groups of the scenario.
        work: of the workload, in milliseconds by required capability set.

    O(workers + sets · log sets) for each group.
    """
    return [
        Member(f"{group.name}-{number}", capabilities, max(round(group.speed * 1000), 1))
        for group in groups
        for number, capabilities in enumerate(_tokens_of(group, work))
    ]


def _tokens_of(group: Group, work: Mapping[tuple[str, ...], int]) -> list[tuple[str, ...]]:
    """Tokens of each worker of a group, in the order of their numbers."""
    if group.capabilities is not None:
        return [carried(group.capabilities)] * group.count
    return [tokens for tokens, count in share_out(group.count, work) for _ in range(count)]


def share_out(count: int, work: Mapping[tuple[str, ...], int]) -> list[tuple[tuple[str, ...], int]]:
    """Share workers out over requirement sets: what they carry, and how many, in order of the tokens.

    Each set gets one worker first, and the rest is shared in proportion to the work, by the largest
    remainder; evenly, if there is no work in any. Where there are fewer workers than sets, the sets are
    merged until there are not: the one with the least work joins the one that needs the fewest tokens more
    for it. So no job is left without a worker, however small the fleet. A worker that carries a size carries
    all smaller ones (``sizes.carried``).

    >>> share_out(4, {(): 600, ("gpu",): 300, ("procs-4",): 100})
    [((), 2), (('gpu',), 1), (('procs-1', 'procs-2', 'procs-4'), 1)]
    >>> share_out(1, {("gpu",): 5, ("ssd",): 1})
    [(('gpu', 'ssd'), 1)]

    O(sets² · tokens) where sets are merged.
    """
    shares = _carried(work)
    while len(shares) > count:
        _merge(shares)
    if not any(shares.values()):
        shares = dict.fromkeys(shares, 1)
    total = sum(shares.values())
    free = count - len(shares)
    whole = {tokens: 1 + free * share // total for tokens, share in shares.items()}
    rest = count - sum(whole.values())
    by_remainder = sorted(shares, key=lambda tokens: (-(free * shares[tokens] % total), tokens))
    for tokens in by_remainder[:rest]:
        whole[tokens] += 1
    return [(tokens, whole[tokens]) for tokens in sorted(whole)]


def _carried(work: Mapping[tuple[str, ...], int]) -> Work:
    """Work by what a worker carries; without any work, workers carry nothing."""
    shares: Work = {}
    for required, work_ms in work.items():
        tokens = carried(required)
        shares[tokens] = shares.get(tokens, 0) + work_ms
    return shares or {(): 0}


def _merge(shares: Work) -> None:
    """Have the set with the least work join the one that needs the fewest tokens more for it."""
    least = min(shares, key=lambda tokens: (shares[tokens], tokens))
    work_ms = shares.pop(least)
    host = min(shares, key=lambda tokens: (len(set(least).difference(tokens)), len(tokens), tokens))
    union = tuple(sorted({*host, *least}))
    work_ms += shares.pop(host)
    shares[union] = shares.get(union, 0) + work_ms
