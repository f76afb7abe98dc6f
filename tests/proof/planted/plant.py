"""What a planted bug is."""

from __future__ import annotations

from typing import Final

import attrs

from tests.proof.planted.altered import Sources, original


@attrs.frozen
class Edit:
    """In the module at ``path``, ``new`` stands where ``old`` stood, exactly once."""

    path: str
    old: str
    new: str


@attrs.frozen(init=False)
class Plant:
    """A bug.

    Attributes:
        name: a decision (``D-05``, or ``D-05b`` for a second way to undo it), or a few words.
        breaks: what it breaks.
        edits: what is different.
    """

    name: str
    breaks: str
    edits: tuple[Edit, ...]

    def __init__(self, name: str, breaks: str, *edits: tuple[str, str, str]) -> None:
        self.__attrs_init__(name, breaks, tuple(Edit(*edit) for edit in edits))

    def sources(self) -> Sources:
        """The altered modules."""
        sources: dict[str, str] = {}
        for edit in self.edits:
            source = sources.get(edit.path) or original(edit.path)
            assert source.count(edit.old) == 1, f"{self.name}: {edit.path} has not exactly one {edit.old!r}"
            sources[edit.path] = source.replace(edit.old, edit.new)
        return sources


NOTHING: Final = Plant("nothing", "nothing")
"""No bug at all: nothing may be found."""
