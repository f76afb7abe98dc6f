"""The JSON forms of our own classes: made from their fields when first asked for, with few exceptions.

A form has the fields of its class under their own names, save those in :data:`WIRE_NAMES`; a field that
has a default may be absent when it is read, an unknown one is refused. What does not fit:

* a :class:`Granted` is the reclaim grant with ``status`` added, not a value in a value;
* a grant shows its partition and its key. They follow from the id, so reading only compares them;
* a partition is written as ``partition_key``; the older form has ``partition_family`` and
  ``partition_index``. Either is read, never both;
* a refusal has ``code``, ``error_class``, ``detail`` and the details of its code;
* ``multiplier_permille`` is ``multiplier``, a number.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Final, cast, get_type_hints

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from grantcore.model.errors import GrantError, invalid
from grantcore.model.grants import KIND_OF, ClaimGrant, Partition, ReclaimGrant
from grantcore.model.ids import PARTITIONS
from grantcore.model.outcomes import Granted
from grantcore.wire import forms
from grantcore.wire.forms import Form, fields_of, form_of, text
from grantcore.wire.refusals import Unwanted, at, exactly, field_note
from grantcore.wire.table import TABLE, Tag, members

WIRE_NAMES: Final = {"retry": "retry_policy", "multiplier_permille": "multiplier"}
"""Fields that JSON calls otherwise."""

FORMS: Final = {"multiplier_permille": forms.MULTIPLIER}
"""Fields whose form does not follow from their type."""

_CONVERTER: Final = cattrs.Converter(forbid_extra_keys=True)
_reader: Final = cast("Callable[..., Callable[[object, type], object]]", make_dict_structure_fn)
_writer: Final = cast("Callable[..., Callable[[object], object]]", make_dict_unstructure_fn)


# -- one class or one of several -----------------------------------------------------------------


def form_of_classes(kinds: tuple[object, ...]) -> Form:
    """The form of a value that is of one of these classes or families.

    Raises:
        InvalidInput: there is no form for one of them, or no tag tells them apart.
    """
    known = tuple(member for kind in kinds for member in _members(kind))
    return _known(known[0]) if len(known) == 1 else _told_apart(known)


def _members(kind: object) -> tuple[type, ...]:
    found = members(kind)
    if not found:
        raise invalid("kind", "a public class of grantcore, a family or union of such, or a tuple of them")
    return found


@cache
def _known(kind: type) -> Form:
    """The form of one class, where it is clear that it is that one."""
    tag = TABLE[kind]
    return _tagged(kind, tag) if tag is not None and tag.always else _untagged(kind)


@cache
def _told_apart(kinds: tuple[type, ...]) -> Form:
    """The form of one of several classes."""
    by_name = {tag.name: _tagged(kind, tag) for kind in kinds if (tag := TABLE[kind]) is not None}
    keys = {tag.key for kind in kinds if (tag := TABLE[kind]) is not None}
    if len(by_name) != len(kinds) or len(keys) != 1:
        raise invalid("kind", "classes that one tag tells apart")
    (key,) = keys
    by_kind = dict(zip(kinds, by_name.values(), strict=True))

    def read(value: object) -> object:
        name = fields_of(value).get(key)
        if type(name) is not str or name not in by_name:
            raise Unwanted(f"an object whose {key} is one of {', '.join(sorted(by_name))}")
        return by_name[name].read(value)

    def write(value: object) -> object:
        form = by_kind.get(type(value))
        return value if form is None else form.write(value)

    return Form(read, write)


def _tagged(kind: type, tag: Tag) -> Form:
    plain = _untagged(kind)

    def read(value: object) -> object:
        fields = dict(fields_of(value))
        if fields.pop(tag.key, None) != tag.name:
            raise Unwanted(f"an object whose {tag.key} is {tag.name}")
        return plain.read(fields)

    def write(value: object) -> object:
        if type(value) is not kind:
            return value
        return {tag.key: tag.name, **cast("dict[str, object]", plain.write(value))}

    return Form(read, write)


@cache
def _untagged(kind: type[object]) -> Form:
    if kind in KIND_OF:
        return _form_of_grant(kind)
    if kind is Partition:
        return Form(_read_partition, _write_partition)
    if kind is Granted:
        return _form_of_granted()
    if issubclass(kind, GrantError):
        return _form_of_error(kind)
    return _form_of_fields(kind)


# -- made from the fields ------------------------------------------------------------------------


def _form_of_fields(kind: type) -> Form:
    """All fields of an attrs class; the class itself judges what its fields cannot."""
    hints = get_type_hints(vars(kind)["__init__"], vars(sys.modules[kind.__module__]))
    fields = {
        field.name: _override(field.name, _form_of_field(field, hints[field.name]))
        for field in attrs.fields(kind)
        if field.init
    }
    read, write = _reader(kind, _CONVERTER, **fields), _writer(kind, _CONVERTER, **fields)
    return Form(
        lambda value: read(fields_of(value), kind),
        lambda value: write(value) if type(value) is kind else value,
    )


def _form_of_field(field: attrs.Attribute[object], hint: object) -> Form:
    """What the class converts is a set of tokens; all else follows from the type."""
    if field.converter is not None:  # pyright: ignore[reportUnknownMemberType] - of anything to anything
        return forms.TOKENS
    return FORMS.get(field.name) or form_of(hint, form_of_classes)


def _override(name: str, form: Form) -> object:
    return override(
        rename=WIRE_NAMES.get(name),
        struct_hook=lambda value, _: form.read(value),
        unstruct_hook=form.write,
    )


# -- those that do not fit -----------------------------------------------------------------------


def _form_of_error(kind: type[GrantError]) -> Form:
    """The class, the text, and the details of this code; the code is the tag."""
    hints = {"detail": str, **get_type_hints(kind)}
    details = {name: form_of(hint, form_of_classes) for name, hint in hints.items() if name not in _OF_CLASS}

    def read(value: object) -> object:
        fields = dict(fields_of(value))
        if fields.pop("error_class", None) != kind.error_class:
            raise Unwanted(f"an object whose error_class is {kind.error_class}")
        exactly(fields, details)
        told = {name: at(field_note(name), form.read, fields[name]) for name, form in details.items()}
        return kind(cast("str", told.pop("detail")), **told)

    def write(value: object) -> object:
        told = {name: form.write(getattr(value, name, None)) for name, form in details.items()}
        return {"error_class": kind.error_class, **told}

    return Form(read, write)


_OF_CLASS: Final = ("code", "error_class")
"""What an error class knows, not an error."""


def _form_of_grant(kind: type) -> Form:
    plain = _form_of_fields(kind)

    def read(value: object) -> object:
        fields = dict(fields_of(value))
        key, partition = fields.pop("grant_key", None), _take_partition(fields)
        grant = cast("ClaimGrant", plain.read(fields))
        if (key, partition) != (grant.grant_key, grant.partition):
            raise Unwanted("a grant with the partition and the grant_key of its execution_id")
        return grant

    def write(value: object) -> object:
        if type(value) is not kind:
            return value
        grant = cast("ClaimGrant", value)
        follows = {"partition_key": grant.partition.partition_key, "grant_key": grant.grant_key}
        return {**cast("dict[str, object]", plain.write(value)), **follows}

    return Form(read, write)


def _form_of_granted() -> Form:
    grant = form_of_classes((ReclaimGrant,))
    return Form(
        lambda value: Granted(cast("ReclaimGrant", grant.read(value))),
        lambda value: grant.write(cast("Granted", value).grant),
    )


_PARTITION_KEY: Final = re.compile(r"\{fp:(0|[1-9][0-9]{0,2})\}")
_FAMILIES: Final = ("flow", "execution")
"""As the older form calls them; the second is an alias of the first."""


def _take_partition(fields: dict[str, object]) -> Partition:
    """Take the partition out of the fields, in one form or the other."""
    if "partition_key" in fields:
        found = _PARTITION_KEY.fullmatch(text(fields.pop("partition_key")))
        index: object = int(found[1]) if found else None
    else:
        known = fields.pop("partition_family", None) in _FAMILIES
        index = fields.pop("partition_index", None) if known else None
    if type(index) is not int or not 0 <= index < PARTITIONS:
        raise Unwanted("an object with a partition_key, or a partition_family and partition_index")
    return Partition(index)


def _read_partition(value: object) -> object:
    fields = dict(fields_of(value))
    partition = _take_partition(fields)
    exactly(fields, ())
    return partition


def _write_partition(value: object) -> object:
    return {"partition_key": value.partition_key} if type(value) is Partition else value


def in_older_form(written: object) -> object:
    """The older form of what was written: a partition as family and index."""
    fields = dict(cast("dict[str, object]", written)) if type(written) is dict else {}
    if "partition_key" not in fields:
        raise invalid("older", "False: only grants and partitions have an older form")
    partition = _take_partition(fields)
    return {**fields, "partition_family": partition.family, "partition_index": partition.index}
