"""The JSON forms of our own classes: made from their fields when first asked for, with few exceptions.

A form has the fields of its class under their own names, save those in :data:`WIRE_NAMES`; a field that
has a default may be absent when it is read, an unknown one is refused. What does not fit:

* a :class:`Granted` is the reclaim grant with ``status`` added, not a value in a value;
* a grant shows its partition and its key. They follow from the id, so reading only compares them;
* a refusal has ``code``, ``error_class``, ``detail`` and the details of its code;
* ``multiplier_permille`` is ``multiplier``, a number.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Final, cast, get_type_hints

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from grantcore.model.errors import GrantError, invalid
from grantcore.model.grants import KIND_OF, Grant, Partition, ReclaimGrant
from grantcore.model.outcomes import Granted
from grantcore.wire import forms, partitions
from grantcore.wire.forms import Form, fields_of, form_of, one_of
from grantcore.wire.refusals import Unwanted, exactly, in_field
from grantcore.wire.table import TABLE, Tag, members

WIRE_NAMES: Final = {"retry": "retry_policy", "multiplier_permille": "multiplier"}
"""Fields that JSON calls otherwise."""

FORMS: Final = {"multiplier_permille": forms.MULTIPLIER, "lane_credits": forms.CREDITS}
"""Fields whose form does not follow from their type."""

_CONVERTER: Final = cattrs.Converter(forbid_extra_keys=True)
_reader: Final = cast("Callable[..., Callable[[object, type], object]]", make_dict_structure_fn)
_writer: Final = cast("Callable[..., Callable[[object], dict[str, object]]]", make_dict_unstructure_fn)


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


_OF_A_BATCH: Final = ["kind", "status"]
"""A grant, or the refusal of one: the only two tags that stand in for each other."""


@cache
def _told_apart(kinds: tuple[type, ...]) -> Form:
    """The form of one of several classes."""
    tags = {kind: tag for kind in kinds if (tag := TABLE[kind]) is not None}
    keys, names = sorted({tag.key for tag in tags.values()}), {tag.name for tag in tags.values()}
    if len(names) != len(kinds) or (len(keys) != 1 and keys != _OF_A_BATCH):
        raise invalid("kind", "classes that one tag tells apart")
    by_kind = {kind: _tagged(kind, tag) for kind, tag in tags.items()}
    by_name = {tag.name: by_kind[kind] for kind, tag in tags.items()}
    known = one_of(sorted(by_name))

    def read(value: object) -> object:
        fields = fields_of(value)
        key = next((key for key in keys if key in fields), keys[0])
        name = in_field(key, known.read, fields.get(key))
        return by_name[cast("str", name)].read(value)

    def write(value: object) -> object:
        if type(value) not in by_kind:
            raise Unwanted(f"one of {', '.join(sorted(kind.__name__ for kind in kinds))}")
        return by_kind[type(value)].write(value)

    return Form(read, write)


def _tagged(kind: type, tag: Tag) -> Form:
    plain, own = _untagged(kind), one_of((tag.name,))

    def read(value: object) -> object:
        fields = dict(fields_of(value))
        in_field(tag.key, own.read, fields.pop(tag.key, None))
        return plain.read(fields)

    return Form(read, lambda value: {tag.key: tag.name, **_written(plain, value)})


def _written(form: Form, value: object) -> dict[str, object]:
    """What a class writes is an object."""
    return cast("dict[str, object]", form.write(value))


@cache
def _untagged(kind: type[object]) -> Form:
    if kind in KIND_OF:
        return _form_of_grant(kind)
    if kind is Partition:
        return partitions.FORM
    if kind is Granted:
        return _form_of_granted()
    return _form_of_error(kind) if issubclass(kind, GrantError) else _form_of_fields(kind)


def _only(kind: type, write: Callable[[object], object]) -> Callable[[object], object]:
    """Write values of exactly this class."""

    def judged(value: object) -> object:
        if type(value) is not kind:
            raise Unwanted(f"a {kind.__name__}")
        return write(value)

    return judged


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
    return Form(lambda value: read(fields_of(value), kind), _only(kind, write))


def _form_of_field(field: attrs.Attribute[object], hint: object) -> Form:
    """What the class converts is a set of tokens; all else follows from the type."""
    if field.converter is not None:  # pyright: ignore[reportUnknownMemberType] - of anything to anything
        return forms.TOKENS
    return FORMS.get(field.name) or form_of(hint, form_of_classes)


def _override(name: str, form: Form) -> object:
    return override(
        rename=WIRE_NAMES.get(name),
        struct_hook=lambda value, _: form.read(value),
        unstruct_hook=lambda value: in_field(name, form.write, value),
    )


# -- those that do not fit -----------------------------------------------------------------------

_OF_CLASS: Final = ("code", "error_class")
"""What an error class knows, not an error."""


def _form_of_error(kind: type[GrantError]) -> Form:
    """The class, the text, and the details of this code; the code is the tag."""
    hints = {"detail": str, **get_type_hints(kind)}
    details = {name: form_of(hint, form_of_classes) for name, hint in hints.items() if name not in _OF_CLASS}
    own = one_of((kind.error_class,))

    def read(value: object) -> object:
        fields = dict(fields_of(value))
        in_field("error_class", own.read, fields.pop("error_class", None))
        exactly(fields, details)
        told = {name: in_field(name, form.read, fields[name]) for name, form in details.items()}
        return kind(cast("str", told.pop("detail")), **told)

    def write(value: object) -> object:
        told = {name: getattr(value, name, None) for name in details}
        written = {name: in_field(name, form.write, told[name]) for name, form in details.items()}
        return {"error_class": kind.error_class, **written}

    return Form(read, _only(kind, write))


def _form_of_grant(kind: type) -> Form:
    """The partition and the key follow from the id: they are written, and compared when read."""
    plain = _form_of_fields(kind)

    def read(value: object) -> object:
        fields = dict(fields_of(value))
        told_by, partition = partitions.take(fields)
        key = fields.pop("grant_key", None)
        grant = cast("Grant", plain.read(fields))
        in_field(told_by, _of_the_execution, partition == grant.partition)
        in_field("grant_key", _of_the_execution, type(key) is str and key == grant.grant_key)
        return grant

    def write(value: object) -> object:
        fields, grant = _written(plain, value), cast("Grant", value)
        return {**fields, **partitions.written(grant.partition), "grant_key": grant.grant_key}

    return Form(read, write)


def _of_the_execution(same: object) -> None:
    if not same:
        raise Unwanted("that of the execution_id")


def _form_of_granted() -> Form:
    grant = form_of_classes((ReclaimGrant,))

    def write(value: object) -> object:
        return in_field("grant", grant.write, cast("Granted", value).grant)

    return Form(lambda value: Granted(cast("ReclaimGrant", grant.read(value))), _only(Granted, write))
