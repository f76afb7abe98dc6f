"""FlowFabric's JSON forms of everything the public API takes and gives (SPEC 9); the extra ``wire``.

Data flows one way::

    text                   bytes: bounds, strict JSON
    table                  which classes there are, and their tags
    classes                the form of each, from its fields
    partitions             the one part that has two forms
    forms                  the form of a field, from its type
    refusals               what went wrong, and where

:func:`loads` and :func:`dumps` speak bytes, :func:`from_json` and :func:`to_json` what ``json`` makes of
them, for hosts whose web framework reads the bytes itself. The kind is what a call takes or answers: a
class (``Lease``), a family (``events.Event``, ``GrantError``), a union (``Granted | NotReclaimable |
ReclaimCapExceeded``; ``None`` may be in it), a tuple of such (``tuple[Lease, ...]``), an enum, ``str``,
``int``, ``bool`` or ``bytes``.

Nothing is guessed: exact types, known keys only, each of them once, both when reading and when writing.
Whatever is refused is refused with :class:`grantcore.InvalidInput`, whose ``field`` is the place
(``entries[3].lease.lease_epoch``), or with :class:`grantcore.InvalidCapabilities`.

>>> from grantcore import ClaimGrant, wire
>>> grant = ClaimGrant("{fp:7}:job", 5000)
>>> data = wire.dumps(grant)
>>> data.decode()
'{"execution_id":"{fp:7}:job","expires_at_ms":5000,"partition_key":"{fp:7}","grant_key":"ff:exec:{fp:7}:{fp:7}:job:claim_grant"}'
>>> wire.loads(ClaimGrant, data) == grant
True
>>> wire.loads(ClaimGrant, data.replace(b"5000", b"true"))
Traceback (most recent call last):
    ...
grantcore.model.errors.InvalidInput: invalid_input: expires_at_ms must be an integer in 0..9007199254740991
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from types import UnionType
from typing import Final, TypeVar, cast, overload

if find_spec("cattrs") is None:
    raise ImportError("grantcore.wire needs: pip install 'grantcore[wire]'", name="cattrs")

from grantcore.model.errors import invalid
from grantcore.wire import classes, partitions, text
from grantcore.wire.forms import Form, form_of
from grantcore.wire.refusals import refusal
from grantcore.wire.text import Json

T = TypeVar("T")

MAX_BYTES: Final = 16 << 20
"""Of a document, by default."""

MAX_VALUES: Final = 1_000_000
"""In a document, by default."""

__all__ = ["MAX_BYTES", "MAX_VALUES", "Json", "dumps", "from_json", "loads", "to_json"]


@overload
def loads(kind: type[T], data: bytes, *, max_bytes: int = MAX_BYTES, max_values: int = MAX_VALUES) -> T: ...
@overload
def loads(
    kind: UnionType, data: bytes, *, max_bytes: int = MAX_BYTES, max_values: int = MAX_VALUES
) -> object: ...
def loads(kind: object, data: bytes, *, max_bytes: int = MAX_BYTES, max_values: int = MAX_VALUES) -> object:
    """Read a value of ``kind`` from one JSON document in UTF-8.

    Args:
        kind: a class, family, union or tuple, as the module says.
        data: the document.
        max_bytes: so many of them at most; default 16 MiB.
        max_values: so many values at most, in whatever depth; default a million. The depth is 16 at most.

    Raises:
        InvalidInput: the document is none, too large, or not of this kind; ``field`` names the place.
        InvalidCapabilities: it is a request or a worker, and its tokens are malformed.

    O(len(data)). SPEC 9.
    """
    return _judged(_form(kind).read, text.read(data, max_bytes, max_values))


def dumps(value: object, kind: object = None, *, older: bool = False) -> bytes:
    """Write a value as compact JSON in UTF-8; arguments and refusals as of :func:`to_json`."""
    return text.write(to_json(value, kind, older=older))


@overload
def from_json(kind: type[T], value: object) -> T: ...
@overload
def from_json(kind: UnionType, value: object) -> object: ...
def from_json(kind: object, value: object) -> object:
    """Read a value of ``kind`` from JSON that was parsed already; refusals as of :func:`loads`.

    Whoever parsed it has bounded its size, or has not; duplicate keys are gone by now.
    """
    return _judged(_form(kind).read, value)


def to_json(value: object, kind: object = None, *, older: bool = False) -> Json:
    """Write a value as dicts, lists, texts and numbers.

    Args:
        value: any public value of grantcore.
        kind: the family, union or tuple that the reader will ask for; by default the class of the value.
            It matters where a grant or a lease is one of several: they have a tag then.
        older: write the partition of a grant as ``partition_family`` and ``partition_index``.

    Raises:
        InvalidInput: it is none of these, or it has a field that is not of its type.

    O(size). SPEC 9.
    """
    written = _judged(_form(type(value) if kind is None else kind).write, value)
    return cast("Json", _in_older_form(written) if older else written)


def _in_older_form(written: object) -> object:
    if type(written) is not dict or "partition_key" not in written:
        raise invalid("older", "False: only grants and partitions have an older form")
    return partitions.in_older_form(cast("dict[str, object]", written))


def _form(kind: object) -> Form:
    return form_of(kind, classes.form_of_classes)


def _judged(judge: Callable[[object], object], value: object) -> object:
    try:
        return judge(value)
    except Exception as problem:  # noqa: BLE001 - what is none of ours is raised as it was
        raise refusal(problem, "value", classes.WIRE_NAMES) from None
