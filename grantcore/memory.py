"""What a host may do about Python's garbage collector after a bulk load or a restore."""

from __future__ import annotations

import gc


def settle_memory() -> int:
    """Collect garbage, then have the collector look no more at what is alive now: ``gc.freeze``.

    An engine makes about one object per execution that the collector looks at, and no cycles: what it
    drops is freed at once, frozen or not. Yet every full collection visits all of them, and with a million
    live that is a pause which everybody notices. After a bulk load, a restore, or whenever the state has
    become large and will stay, one call ends these pauses; what is made later is collected as ever.

    It is for the whole process, not for one engine: all that is alive is frozen, other libraries' objects
    too. It takes as long as one full collection does, so call it where a pause does no harm, outside of the
    engine's calls.

    Do not call it

    * over and over, for each new execution: each call is a full collection;
    * while much is alive that will soon be dropped in cycles: a cycle that is frozen is never collected
      (``gc.unfreeze()`` takes all of it back);
    * where the host has a policy of its own for the collector. No threshold is changed here, and nothing
      in this library calls it.

    Before a ``fork`` it also keeps the pages of frozen objects shared with the child for longer.

    Returns:
        How many objects are frozen now.

    Measured: group *pauses* of ``python -m benchmarks``, recorded in ``benchmarks/RESULTS.md``.

    O(everything alive).
    """
    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()
