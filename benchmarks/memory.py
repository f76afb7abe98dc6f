"""What a leased execution occupies: its record, its id, its share of every index."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

from benchmarks.lifecycle import Rig
from benchmarks.rows import Row

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes


def rows(sizes: Sizes) -> list[Row]:
    """Load many leased executions, one a millisecond, drop their leases and see what is left."""
    rig = Rig()
    gc.collect()
    objects_before = len(gc.get_objects())
    tracemalloc.start()
    try:
        rig.lease_many(sizes.many)
        gc.collect()
        occupied, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    objects = len(gc.get_objects()) - objects_before
    live = f"{sizes.many:,} live"
    return [
        Row(f"leased execution, {live}", occupied / sizes.many, "bytes", goal=700),
        Row(f"leased execution, {live}, GC-tracked", objects / sizes.many, "objects"),
    ]
