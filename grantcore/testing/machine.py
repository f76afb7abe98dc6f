"""A state machine for ``hypothesis`` that drives an engine and its model side by side.

Subclass it to test your own scheduler: what it does is one more rule among the calls of everybody else, and
time, and whatever you believe about it is one more invariant.

>>> from hypothesis import HealthCheck, Phase, settings
>>> from hypothesis.stateful import invariant, rule, run_state_machine_as_test
>>> from grantcore import Worker
>>> class Printer:                                      # your scheduler: prints what it is granted
...     def __init__(self, engine, scheduler):
...         self.engine, self.scheduler, self.lease, self.printed = engine, scheduler, None, []
...     def turn(self):
...         if self.lease is not None:
...             self.printed.append(self.lease)         # a bug: somebody else may have the work by now
...             self.lease = None
...             return
...         worker = Worker("ann", "ann-1", ["cpu", "gpu", "net"])
...         grant = self.scheduler.claim_for_worker(worker, lanes=["a", "b"], grant_ttl_ms=5)
...         if grant is not None:
...             self.lease = self.engine.take(
...                 grant, worker_id="ann", worker_instance_id="ann-1", lease_ttl_ms=5)
>>> class PrinterMachine(GrantMachine):
...     def __init__(self):
...         super().__init__()
...         self.printer = Printer(self.backend, self.scheduler)
...     @rule()
...     def printer_goes_on(self):
...         self.printer.turn()
...     @invariant()
...     def nobody_prints_without_a_lease(self):
...         while self.printer.printed:
...             lease = self.printer.printed.pop()
...             shown = self.backend.describe_execution(lease.execution_id)
...             assert shown and shown.current_lease_id == lease.lease_id, "printed without a lease"
>>> quick = settings(
...     derandomize=True, database=None, max_examples=1_000, stateful_step_count=20,
...     phases=[Phase.generate],                        # your own runs leave this out, and shrink
...     suppress_health_check=[HealthCheck.too_slow])
>>> try:
...     run_state_machine_as_test(PrinterMachine, settings=quick)
... except AssertionError as error:
...     print(error)
printed without a lease

The failure comes with the fewest calls that show it, as a script.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grantcore import EngineConfig, GrantEngine, GrantError, Scheduler
from grantcore.testing.comparing import USUAL
from grantcore.testing.pair import Pair
from grantcore.testing.proposing import Chance, Proposer
from grantcore.testing.steps import Ref, Step, resolved, script


class GrantMachine(RuleBasedStateMachine):
    """Calls as a crowd of workers, operators and mistaken callers makes them, compared with the model.

    About 70 % of its calls are legal in the present state, 20 % are near misses and 10 % garbage. Time mostly
    moves to a deadline that is pending, one millisecond before it, or after it. Choices are drawn from
    ``hypothesis``, so failures shrink; the calls are told as a script that can be pasted
    (:meth:`script`), which needs no ``hypothesis``.

    Compared after each call: as :class:`grantcore.testing.pair.Pair` does. A rule of a subclass makes its
    calls through :attr:`backend` and :attr:`scheduler`, or by :meth:`call`.

    Attributes:
        config: of both; a class attribute, to be replaced in a subclass.
        start_ms: the first instant.
        crowd: about so many executions are kept at a time.
        pair: engine and model.
    """

    config: ClassVar[EngineConfig] = USUAL
    start_ms: ClassVar[int] = 0
    crowd: ClassVar[int] = 6

    def __init__(self) -> None:
        """Build both; a subclass calls this first."""
        super().__init__()
        self.pair = Pair(config=self.config, start_ms=self.start_ms, observed=True)
        self._proposer = Proposer(0, self.pair.model, crowd=self.crowd)
        self._steps: list[Step] = []
        self._results: dict[int, object] = {}

    # -- for rules of a subclass -------------------------------------------------------------------

    @property
    def backend(self) -> GrantEngine:
        """To be handed to your scheduler in place of an engine: each call is made on engine and model.

        It has the calls of an engine and its ``operator()``; it answers and refuses as the engine does.
        """
        return cast("GrantEngine", _Backend(self))

    @property
    def scheduler(self) -> Scheduler:
        """In place of ``Scheduler(engine)``: each call is made on both."""
        return cast("Scheduler", _Backend(self, "scheduler."))

    @property
    def now_ms(self) -> int:
        """The present instant, in milliseconds."""
        return cast("int", self.pair.dial.reading)

    def call(self, call: str, *args: object, **kwargs: object) -> object:
        """Make one call on both, as :meth:`grantcore.testing.pair.Pair.call` does; a refusal is answered.

        Raises:
            Disagreement: engine and model part.
        """
        named = {name: self._named(value) for name, value in kwargs.items()}
        self._make(Step(len(self._steps), call, tuple(map(self._named, args)), named))
        return self.pair.answer

    def script(self) -> str:
        """All calls until now, to be pasted and run."""
        return script(self._steps, self.pair.setting)

    # -- rules and invariants ----------------------------------------------------------------------

    @rule(chance=st.randoms(use_true_random=False))
    def somebody_calls(self, chance: Chance) -> None:
        """Somebody makes a call, or time goes on."""
        self._make(self._proposer.step(len(self._steps), self.now_ms, chance))

    @invariant()
    def holds_together(self) -> None:
        """Every invariant of the engine (``GrantEngine.check``), and what time has done to both."""
        self.pair.check()

    def teardown(self) -> None:
        """Tell the calls; it is shown when the run failed."""
        note(self.script())

    def _make(self, step: Step) -> None:
        self._steps.append(step)
        args = [resolved(value, self._results) for value in step.args]
        kwargs = {name: resolved(value, self._results) for name, value in step.kwargs.items()}
        answer = self.pair.call(step.call, *args, **kwargs)
        if answer is not None and not isinstance(answer, GrantError):
            self._results[step.number] = answer
            self._proposer.learn(step, answer)

    def _named(self, value: object) -> object:
        """What an earlier call gave, as that: a script can make it again."""
        return next((Ref(number) for number, known in self._results.items() if known is value), value)


class _Backend:
    """The calls of an engine, each made by a machine on engine and model."""

    def __init__(self, machine: GrantMachine, face: str = "") -> None:
        self._machine = machine
        self._face = face

    def operator(self, _identity: str) -> _Backend:
        return _Backend(self._machine, "operator.")

    def __getattr__(self, name: str) -> Callable[..., object]:
        def method(*args: object, **kwargs: object) -> object:
            answer = self._machine.call(self._face + name, *args, **kwargs)
            if isinstance(answer, GrantError):
                raise answer
            return answer

        return method


__all__ = ["GrantMachine"]
