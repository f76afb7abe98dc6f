"""Ids and partitions (SPEC 9): CRC-16/XMODEM of a lane or id picks the partition."""

from __future__ import annotations

import binascii
import re
from typing import Final, Protocol

PARTITIONS: Final = 256

_PREFIX: Final = re.compile(r"\{fp:(0|[1-9][0-9]{0,2})\}:")


class IdSource(Protocol):
    """Hands out ids; called only after every guard has passed and before the first write.

    An id that is in use already is refused with ``InvalidInput``.
    """

    def execution_id(self, lane_id: str) -> str:
        """Mint the id of a new execution of ``lane_id``."""
        ...

    def lease_id(self) -> str:
        """Mint the id of a new lease."""
        ...

    def attempt_id(self) -> str:
        """Mint the id of a new attempt."""
        ...

    def suspension_id(self) -> str:
        """Mint the id of a new suspension."""
        ...


class MintedIds:
    """Unique ids from a nonce and a counter, rendered as UUID texts. O(1) each.

    Args:
        nonce: 20 hexadecimal digits; two sources with different nonces never give the same id.

    >>> ids = MintedIds("0123456789abcdef0123")
    >>> ids.lease_id()
    '01234567-89ab-4def-8123-000000000001'
    >>> ids.attempt_id(), ids.lease_id()
    ('01234567-89ab-4def-9123-000000000002', '01234567-89ab-4def-8123-000000000002')
    >>> ids.execution_id("default")
    '{fp:86}:01234567-89ab-4def-8123-000000000003'
    """

    __slots__ = ("count", "heads", "high", "prefix")

    def __init__(self, nonce: str) -> None:
        """Start counting at 1 under this nonce."""
        # Version 4, variant 1 of RFC 9562; the counter stands in the node field.
        self.prefix: Final = f"{nonce[:8]}-{nonce[8:12]}-4{nonce[13:16]}-8{nonce[17:20]}-"
        self.heads: dict[str, str] = {}
        self.high = 0
        self.count = 0

    def number(self) -> int:
        """Mint the number of an id whose text :func:`rendered` gives when somebody asks for it."""
        self.count = count = self.count + 1
        return count

    def execution_id(self, lane_id: str) -> str:
        """Mint ``{fp:N}:UUID``, N being the partition of the lane."""
        self.count = count = self.count + 1
        if count >> 8 != self.high:
            self.high = count >> 8
            self.heads.clear()
        head = self.heads.get(lane_id)
        if head is None:
            head = f"{{fp:{crc_partition(lane_id)}}}:{self.prefix}{self.high:010x}"
            self.heads[lane_id] = head
        return head + LOW[count & 255]

    def lease_id(self) -> str:
        """Mint the id of a new lease."""
        return rendered(self.prefix, self.number())

    suspension_id = lease_id

    def attempt_id(self) -> str:
        """Name the attempt that begins with the next lease: it has that lease's number."""
        return attempt_rendered(self.prefix, self.count + 1)


LOW: Final = tuple(f"{low:02x}" for low in range(256))
"""The last two digits of a counter: most ids differ from the one before in these only."""

Minted = int | str
"""A number under the engine's own prefix, or the text a foreign source gave."""


def rendered(prefix: str, minted: Minted) -> str:
    """The text of an id. O(1)."""
    return minted if type(minted) is str else f"{prefix}{minted:012x}"


def attempt_rendered(prefix: str, minted: Minted) -> str:
    """The text of an attempt's id: another variant digit than a lease's of the same number. O(1)."""
    return minted if type(minted) is str else f"{prefix[:_VARIANT]}9{prefix[_VARIANT + 1 :]}{minted:012x}"


_VARIANT: Final = 19
"""Place of the variant in a UUID; 8 and 9 are the same one (RFC 9562)."""


def crc_partition(text: str) -> int:
    """Partition of a text: CRC-16/XMODEM (polynomial 0x1021, start 0) of its UTF-8, modulo 256.

    >>> crc_partition("default"), crc_partition("main")
    (86, 213)
    """
    return binascii.crc_hqx(text.encode(), 0) % PARTITIONS


def partition_index(execution_id: str) -> int:
    """Partition of an execution: N of its ``{fp:N}:`` prefix, else the CRC of the id."""
    prefix = _PREFIX.match(execution_id)
    if prefix and int(prefix[1]) < PARTITIONS:
        return int(prefix[1])
    return crc_partition(execution_id)
