"""Ids that a seed determines (SPEC 9, IdSource)."""

from __future__ import annotations

import hashlib

from grantcore.model.ids import MintedIds


class SeededIds:
    """An id source: the same seed gives the same ids, in the same order, anywhere. O(1) each.

    Args:
        seed: any int; two seeds give different ids.

    >>> SeededIds(7).lease_id() == SeededIds(7).lease_id()
    True
    >>> SeededIds(1).execution_id("default")
    '{fp:86}:4bf5122f-3445-44c5-8bde-000000000001'
    """

    def __init__(self, seed: int = 0) -> None:
        """Begin at the first id of this seed."""
        size = seed.bit_length() // 8 + 1
        self._minted = MintedIds(hashlib.sha256(seed.to_bytes(size, "big", signed=True)).hexdigest()[:20])

    def execution_id(self, lane_id: str) -> str:
        """Mint the id of a new execution of ``lane_id``."""
        return self._minted.execution_id(lane_id)

    def lease_id(self) -> str:
        """Mint the id of a new lease."""
        return self._minted.lease_id()

    def attempt_id(self) -> str:
        """Mint the id of a new attempt."""
        return self._minted.attempt_id()

    def suspension_id(self) -> str:
        """Mint the id of a new suspension."""
        return self._minted.suspension_id()
