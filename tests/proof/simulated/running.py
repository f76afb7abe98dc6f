"""Parts of the simulation: a seed says everything; a failing part is made again, recorded and shortened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from grantcore.testing.comparing import shortest
from grantcore.testing.steps import Absent, Ref, Step, resolved
from tests.proof.simulated.site import Setting, Site
from tests.proof.simulated.workload import Workload

SETTINGS: Final = (
    Setting(observed=False, minted=True, named=False),
    Setting(observed=True, minted=True, named=True, retention_ms=400),
    Setting(observed=False, minted=False, named=True, threadsafe=False),
    Setting(observed=True, minted=False, named=False, threadsafe=False),
)
"""With and without observer; ids of the engine's kind and others; with and without a lock."""


@attrs.frozen
class Failure(Exception):
    """Something that must hold did not, after these calls."""

    seed: int
    steps: tuple[Step, ...]
    reason: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.reason}\n\n{script(self.seed, self.steps)}\n"


def setting_of(seed: int) -> Setting:
    """The setting whose turn it is."""
    return SETTINGS[seed % len(SETTINGS)]


def simulate(seed: int, moves: int) -> Site:
    """Run a part: so many moves with faults, then everything is looked at, ends, and is looked at again.

    Raises:
        Failure: with the shortest list of calls found that fails alike.
    """
    site = Site(seed, setting_of(seed))
    try:
        _run(Workload(seed, site), site, moves)
    except Exception as error:
        raise _failure(seed, moves, error) from error
    return site


def _run(workload: Workload, calls: Any, moves: int) -> None:
    workload.go(moves)
    for last in ("whole", "drain", "whole"):
        getattr(calls, last)()


# -- recorded ------------------------------------------------------------------------------------------


class Recorder:
    """In the place of a site: writes down each call, with references to what earlier ones gave."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.steps: list[Step] = []
        self._refs: dict[int, Ref] = {}
        self._names: dict[str, Ref] = {}
        self._kept: list[object] = []

    def __getattr__(self, call: str) -> Any:
        def recorded(*args: object) -> object:
            number = len(self.steps)
            self.steps.append(Step(number, call, tuple(map(self._ref, args))))
            answer = getattr(self._site, call)(*args)
            self._remember(number, call, answer)
            return answer

        return recorded

    def _ref(self, value: object) -> object:
        if type(value) is str:
            return self._names.get(value, value)
        return self._refs.get(id(value), value)

    def _remember(self, number: int, call: str, answer: object) -> None:
        if type(answer) is str:
            if call == "create" and not self._site.setting.named:
                self._names[answer] = Ref(number)
        elif answer is not None and type(answer) is not bool:
            self._refs[id(answer)] = Ref(number)
            self._kept.append(answer)  # an id is not used again


def replayed(seed: int, steps: Sequence[Step]) -> Exception | None:
    """How these calls fail; None if they do not."""
    site = Site(seed, setting_of(seed))
    results: dict[int, object] = {}
    try:
        for step in steps:
            try:
                args = [resolved(value, results) for value in step.args]
            except Absent:
                continue
            answer = site.call(step.call, *args)
            if answer is not None:
                results[step.number] = answer
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return error
    return None


def _about(error: Exception) -> object:
    """Failures are alike if the same invariant is broken."""
    return type(error), str(error).partition(":")[0]


def _failure(seed: int, moves: int, error: Exception) -> Failure:
    site = Site(seed, setting_of(seed))
    recorder = Recorder(site)
    try:
        _run(Workload(seed, site, recorder), recorder, moves)
    except Exception as again:  # noqa: BLE001 - it is expected
        error = again
    about = _about(error)

    def fails(steps: Sequence[Step]) -> bool:
        found = replayed(seed, steps)
        return found is not None and _about(found) == about

    steps = _tail(recorder.steps, fails)
    if not fails(steps):
        return Failure(seed, tuple(steps[-50:]), f"not again from the recorded calls: {error!r}")
    unrenewed = _unrenewed(steps)
    steps = shortest(unrenewed if fails(unrenewed) else steps, fails)
    return Failure(seed, tuple(steps), str(replayed(seed, steps)))


def _unrenewed(steps: Sequence[Step]) -> list[Step]:
    """The same calls with each lease as it was first: a renewal leaves the fence as it is (SPEC 5)."""
    first: dict[object, object] = {}
    calls = []
    for step in steps:
        args = tuple(first.get(value, value) for value in step.args)
        if step.call == "renew":
            first[Ref(step.number)] = args[0]
        calls.append(attrs.evolve(step, args=args))
    return calls


def _tail(steps: list[Step], fails: Any) -> list[Step]:
    """The last steps, if they are enough: twice as many until they fail alike."""
    size = 500
    while size < len(steps):
        if fails(steps[-size:]):
            return steps[-size:]
        size *= 2
    return steps


def script(seed: int, steps: Sequence[Step]) -> str:
    """The calls as a script that can be pasted and run in the root of the repository."""
    calls = [repr(step).replace("pair.call(", "site.call(") for step in steps]
    return "\n".join(
        [
            "from tests.proof.simulated.site import Setting, Site",
            "",
            f"site = Site({seed}, {setting_of(seed)})",
            *calls,
        ]
    )


__all__ = ["SETTINGS", "Failure", "replayed", "script", "simulate"]
