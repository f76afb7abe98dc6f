"""A partition in its two forms (SPEC 9): ``partition_key``; older ``partition_family``, ``partition_index``.

Either is read, never both. The older form calls the one family "flow" or "execution", and writes "flow".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from grantcore.model.grants import Partition
from grantcore.model.ids import PARTITIONS
from grantcore.wire.forms import Form, fields_of, integers, one_of, text
from grantcore.wire.refusals import Unwanted, exactly, in_field

_KEY: Final = re.compile(r"\{fp:(0|[1-9][0-9]{0,2})\}")
_INDEX: Final = integers(0, PARTITIONS - 1)
_FAMILY_READ: Final = one_of(("flow", "execution"))
_FAMILY: Final = one_of(("flow",))


def take(fields: dict[str, object]) -> tuple[str, Partition]:
    """Take a partition out of fields: the field that tells it, and the partition."""
    if "partition_family" in fields or "partition_index" in fields:
        in_field("partition_family", _FAMILY_READ.read, fields.pop("partition_family", None))
        index = in_field("partition_index", _INDEX.read, fields.pop("partition_index", None))
        return "partition_index", Partition(cast("int", index))
    return "partition_key", Partition(in_field("partition_key", _index, fields.pop("partition_key", None)))


def _index(key: object) -> int:
    found = _KEY.fullmatch(text(key))
    if found is None or int(found[1]) >= PARTITIONS:
        raise Unwanted(f"{{fp:N}}, N in 0..{PARTITIONS - 1}")
    return int(found[1])


def written(partition: Partition) -> dict[str, object]:
    """The field that tells a partition."""
    in_field("index", _INDEX.write, partition.index)
    in_field("family", _FAMILY.write, partition.family)
    return {"partition_key": partition.partition_key}


def in_older_form(written: Mapping[str, object]) -> dict[str, object]:
    """The same fields, with the partition in its older form."""
    fields = dict(written)
    _, partition = take(fields)
    return {**fields, "partition_family": partition.family, "partition_index": partition.index}


def _read(value: object) -> Partition:
    fields = dict(fields_of(value))
    _, partition = take(fields)
    exactly(fields, ())
    return partition


def _write(value: object) -> dict[str, object]:
    if type(value) is not Partition:
        raise Unwanted("a Partition")
    return written(value)


FORM: Final = Form(_read, _write)
