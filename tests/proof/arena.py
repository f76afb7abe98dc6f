"""An engine under fire, and the judgement of every call on it (I-40, I-63)."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import attrs

import grantcore as gc
from grantcore.model.errors import BugError
from grantcore.model.ids import MintedIds
from grantcore.testing.comparing import SMALL
from grantcore.testing.ids import SeededIds
from grantcore.testing.pair import Dial
from tests.proof.hostility import Its
from tests.proof.targets import targets
from tests.robustness import inside

MAX_MS: Final = 2**53 - 1
ROOT: Final = "root"
DIGEST_EVERY: Final = 200
TWIN_EVERY: Final = 16
"""Of the refused calls in which something was due."""


class Foul(AssertionError):
    """A call did what no call may do."""


@attrs.frozen
class Setting:
    """What the seed does not say, and a script needs."""

    config: gc.EngineConfig
    minted: bool = False
    observed: bool = False
    start_ms: int = 1_000


SETTINGS: Final = (
    Setting(gc.EngineConfig(retention_ms=400), minted=True),
    Setting(SMALL, observed=True),
    Setting(SMALL, minted=True),
    Setting(gc.EngineConfig(threadsafe=False), start_ms=MAX_MS - 40_000, observed=True),
)


class Arena:
    """An engine, its faces, a guard, and the judgement of every call on them.

    Args:
        seed: of the ids, and of the setting.
        strict: whether every call is judged by the digest.
    """

    def __init__(self, seed: int, *, strict: bool = False) -> None:
        self.setting = SETTINGS[seed % len(SETTINGS)]
        self.strict = strict
        self.dial = Dial(self.setting.start_ms)
        self.now = self.setting.start_ms
        ids = MintedIds(f"{seed % 16**20:020x}") if self.setting.minted else SeededIds(seed)
        self.engine = gc.GrantEngine(clock=self.dial, ids=ids, config=self.setting.config)
        self.faces: dict[str, object] = {
            "": self.engine,
            "operator": self.engine.operator(ROOT),
            "scheduler": gc.Scheduler(self.engine),
            "guard": gc.FenceGuard(max_executions=9),
        }
        self.told = 0
        self.gaps = 0
        if self.setting.observed:
            self.engine.subscribe(self._hear)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.twins = 0

    def _hear(self, event: gc.events.Event) -> None:
        self.told += 1
        self.gaps += event.sequence != self.told

    def call(self, number: int, call: str, *args: object, **kwargs: object) -> object:
        """Make a call and judge it.

        Raises:
            Foul: it did what no call may do.
        """
        if call == "at":
            self.dial.reading = self.now = typing.cast("int", args[0])
            return None
        if call == "misread":
            return self._misread(args[0])
        by_digest = self.strict or number % DIGEST_EVERY == 0
        due = inside.something_is_due(self.engine, self.now)
        if due and (by_digest or number % TWIN_EVERY == 0):
            return self._judge_beside_a_twin(call, args, kwargs)
        if due:
            self.engine.advance()
        before = self.engine.digest() if by_digest else None
        events = inside.event_number(self.engine)
        answer, refused = self._ask(call, args, kwargs)
        if refused:
            stamped = isinstance(answer, gc.CapabilityMismatch)
            if inside.event_number(self.engine) - events != stamped:
                raise Foul(f"{call}: refused with {answer!r}, but something happened")
            if before is not None and not stamped and self.engine.digest() != before:
                raise Foul(f"{call}: refused with {answer!r}, but the state changed")
        if by_digest:
            self.engine.check()
        return answer

    def _judge_beside_a_twin(
        self, call: str, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> object:
        """Things are due in this very call: a refusal leaves what ``advance()`` would leave (I-40)."""
        twin = inside.copied(self.engine, clock=Dial(self.now), config=self.setting.config)
        answer, refused = self._ask(call, args, kwargs)
        if refused and not isinstance(answer, gc.CapabilityMismatch):
            self.twins += 1
            twin.advance()
            if self.engine.digest() != twin.digest():
                raise Foul(f"{call}: refused with {answer!r}, but more than time passed")
        return answer

    def _ask(self, call: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> tuple[object, bool]:
        """The result, or what was raised: the refusal, or what the caller's own object raises."""
        try:
            result = self._method(call)(*args, **kwargs)
        except Its as its:
            return self._note(call, its)
        except BugError as bug:
            raise Foul(f"{call}: {bug}") from bug
        except gc.GrantError as refusal:
            if len(str(refusal)) > 300:
                raise Foul(f"{call}: {type(refusal).__name__} tells too much") from refusal
            return self._note(call, refusal)
        except BaseException as foreign:
            raise Foul(f"{call}: {type(foreign).__name__}: {str(foreign)[:200]}") from foreign
        if not isinstance(result, targets()[call].results):
            raise Foul(f"{call}: a {type(result).__name__} is no documented result")
        if isinstance(result, gc.Subscription):
            result.close()
        self.outcomes[call, ""] += 1
        return result, False

    def _note(self, call: str, raised: Exception) -> tuple[Exception, bool]:
        self.outcomes[call, type(raised).__name__] += 1
        return raised, True

    def _method(self, call: str) -> Callable[..., object]:
        face, _, name = call.rpartition(".")
        owner = gc if not face and name[0].isupper() else self.faces[face]
        method: Callable[..., object] = getattr(owner, name)
        return method

    def data(self, spoilt: int | None = None) -> bytes:
        """A snapshot, as it is or with one byte changed; nothing lapses for the asking."""
        data = bytearray(inside.bare_snapshot(self.engine))
        if spoilt is not None:
            data[spoilt % len(data)] ^= 1 + spoilt % 255
        return bytes(data)

    def own(self, name: str) -> object:
        """A part of the arena."""
        return {"clock": self.dial, "engine": self.engine, "hear": id}[name]

    def _misread(self, reading: object) -> object:
        """The clock itself is hostile: the call is refused, nothing changes; or it is right after all."""
        before, events = self.engine.digest() if self.strict else None, inside.event_number(self.engine)
        self.dial.reading = reading
        try:
            self.engine.now_ms()
        except gc.ClockError:
            if events != inside.event_number(self.engine):
                raise Foul("misread: something happened") from None
        except BaseException as foreign:
            raise Foul(f"misread: {type(foreign).__name__}") from foreign
        self.dial.reading = self.now
        if before is not None and before != self.engine.digest():
            raise Foul("misread: the state changed")
        return None
