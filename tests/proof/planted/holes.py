"""Plants that no detector has found: holes in the detectors, told and not hidden. The aim is to have none."""

from __future__ import annotations

from typing import Final

HOLES: Final[dict[str, str]] = {
    "ids carry another partition": "no detector finds it",
    "a paused attempt has no rest": "perhaps no other behaviour: what would show it lapses first",
    "an aged entry outlives its priority": "no detector finds it",
    "the last bucket is not looked at": "no detector finds it",
    "a missed heartbeat is not noticed": "perhaps no other behaviour: what would show it lapses first",
    "the plain way leads beyond the end of time": "no detector finds it",
    "an interrupted commit has no event": "no detector finds it",
    "a dead key is state": "no detector finds it",
    "usage of an earlier period is state": "no detector finds it",
    "the operator is not named": "no detector finds it",
    "plain creation: over the limit": "no detector finds it",
    "plain grant: tokens are not compared": "only tests/test_inner.py finds it, which is no detector yet",
    "plain claim: any worker may": "only tests/test_inner.py finds it, which is no detector yet",
    "plain claim: the floor does not count": "no detector finds it",
    "plain claim: the wrong instant": "no detector finds it",
    "plain renewal: of a lease that has lapsed": "not hunted yet",
    "plain renewal: it is no mutation": "not hunted yet",
    "plain completion: kept for ever": "not hunted yet",
    "plain completion: it has no number": "not hunted yet",
    "plain way: interrupted, the indexes stay torn": "not hunted yet",
}
"""By name, what is known of each."""
