"""Mutants that are known to behave as the original does, each with the reason: no sample has them.

One is told by its module, its line of source, and what is different in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.proof.planted.altered import original

if TYPE_CHECKING:
    from tests.proof.mutation.mutants import Mutant

SAME: Final[dict[tuple[str, str, str], str]] = {
    (
        "index/holders.py",
        "if self.entries > self.room:",
        "self.entries > self.room  ->  self.entries >= self.room",
    ): "the index is tidied one entry earlier, which nobody can see",
    (
        "index/holders.py",
        "self.entries = 0",
        "0  ->  1",
    ): "the entries are counted as one more than there are: a bound, tidied one earlier",
    (
        "engine/core.py",
        "if soonest <= record.filed_ms:",
        "soonest <= record.filed_ms  ->  soonest < record.filed_ms",
    ): "what is filed under this very instant is looked at then, whatever its kind was",
    (
        "engine/core.py",
        "self._pending = None",
        "self._pending = None  ->  pass",
    ): "the next call repeats a commit that is whole: the same stores, and nobody is told twice",
    (
        "engine/core.py",
        "def _refuse_entry(self, depth: int = 1) -> None:",
        "1  ->  2",
    ): "the frame that is left out is of the call that asks, which is not what is looked for",
    (
        "engine/core.py",
        "TIDYING: Final[Pending] = (_finish_tidying, 0, None, None)",
        "0  ->  1",
    ): "tidying has no event, and its finisher reads no number",
    (
        "engine/lanes.py",
        "core._refuse_entry(2)",
        "2  ->  3",
    ): "as for the frames of the engine's own calls",
    (
        "index/waiting.py",
        "self._clear(self.shelves())",
        "self._clear(self.shelves())  ->  pass",
    ): "the lines that records still name are gone, and no new one is the same object",
    (
        "engine/executions.py",
        "self._last_alike = given",
        "self._last_alike = given  ->  pass",
    ): "a shortcut: what was given is found among the others that are remembered",
    (
        "engine/runs.py",
        "write_grant(record, 0, (grant, (), (), None))",
        "0  ->  1",
    ): "the writer of a grant does not read its instant, which stands in the grant",
    (
        "rules/claiming.py",
        "if old_prefix != ids.prefix:",
        "old_prefix != ids.prefix  ->  old_prefix == ids.prefix",
    ): "only a restore brings another prefix, and after one the ids are texts, which are taken as they are",
}
"""Found by trying them, and looked into."""


def is_same(mutant: Mutant) -> bool:
    """Whether it is one of these."""
    line = original(mutant.path).splitlines()[mutant.line - 1].strip()
    return (mutant.path, line, mutant.told) in SAME
