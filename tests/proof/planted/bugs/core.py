"""Bugs in `engine`: time, commit, events, snapshots."""

from __future__ import annotations

from typing import Final

from tests.proof.planted.plant import Plant

_CORE = "engine/core.py"
_OBSERVERS = "engine/observers.py"
_SNAPSHOTS = "engine/snapshots.py"

CORE: Final = (
    Plant(
        "the clock is read twice",
        "I-53",
        (
            _CORE,
            "            now = self._catch_up(now)\n        return now\n",
            "            now = self._catch_up(clock())\n        return now\n",
        ),
    ),
    Plant(
        "the past is believed", "I-51", (_CORE, "        if now < self._last_ms:\n", "        if now < 0:\n")
    ),
    Plant(
        "a clamped reading is not counted",
        "SPEC 3",
        (_CORE, "self._clock_clamped += 1", "self._clock_clamped += 0"),
    ),
    Plant(
        "a lapse too few in a slice",
        "I-48",
        (_CORE, "while limit is None or count < limit:", "while limit is None or count < limit - 1:"),
    ),
    Plant(
        "the plain way stays open under a ceiling",
        "SPEC 8",
        (
            _CORE,
            "quiet = not heard and not self._indexes.tallies.watching",
            "quiet = not heard",
        ),
    ),
    Plant(
        "the plain way leads beyond the end of time",
        "I-52",
        (_CORE, "is_plain = quiet and self._last_ms <= _FAR_MS", "is_plain = quiet"),
    ),
    Plant(
        "the history grows",
        "D-25",
        (
            _CORE,
            "        if record.past is not None:\n            trim(record.past, self._config.lease_history_limit)\n        if was",
            "        if was",
        ),
    ),
    Plant(
        "some changes have no number",
        "I-65",
        (_CORE, "        store.sequence = sequence\n        self._follow(", "        self._follow("),
    ),
    Plant(
        "an event is missing",
        "I-65",
        (
            _CORE,
            "        if was is not None:\n            self._tell(event_of(change",
            "        if was is not None and not step.reorders:\n            self._tell(event_of(change",
        ),
    ),
    Plant(
        "an interrupted commit is forgotten",
        "I-41",
        (_CORE, "        finish(self, sequence, subject, detail)\n", ""),
    ),
    Plant(
        "an interrupted commit has no event",
        "I-65",
        (
            _CORE,
            "    operator, was = told\n    if was is not None:\n",
            "    operator, was = told\n    if was is None:\n",
        ),
    ),
    Plant(
        "an event comes twice",
        "I-65",
        (
            _OBSERVERS,
            "            subscription.observer(event)\n",
            "            subscription.observer(event)\n            subscription.observer(event)\n",
        ),
    ),
    Plant(
        "an event has another stamp",
        "SPEC 10",
        (
            _OBSERVERS,
            "        sequence,\n        at_ms,\n        operator,\n        record",
            "        sequence,\n        record.created_at_ms,\n        operator,\n        record",
        ),
    ),
    Plant(
        "an event does not tell the grant it voids",
        "SPEC 10",
        (
            _OBSERVERS,
            "shown_grant(record, grant) if record.grant is None else None,\n        lease",
            "None,\n        lease",
        ),
    ),
    Plant("a snapshot loses a field", "I-43", (_SNAPSHOTS, "    progress_message=optional(TEXT),\n", "")),
    Plant(
        "a snapshot loses the credits", "I-43", (_SNAPSHOTS, "    credit=Kind(_same, _read_signed),\n", "")
    ),
    Plant(
        "a digest loses the keys",
        "SPEC 9",
        (
            _SNAPSHOTS,
            "hashlib.sha256(_canonical(state).encode()).hexdigest()",
            'hashlib.sha256(_canonical({**state, "keys": []}).encode()).hexdigest()',
        ),
    ),
    Plant(
        "a dead key is state",
        "D-27",
        (_SNAPSHOTS, "if key.expires_at_ms > now}", "if key.expires_at_ms >= now}"),
    ),
    Plant(
        "usage of an earlier period is state",
        "SPEC 9",
        (_SNAPSHOTS, "AMOUNTS.write(budget.used(now))", "AMOUNTS.write(budget.usage)"),
    ),
    Plant(
        "a restored engine has another order",
        "I-43",
        (
            _SNAPSHOTS,
            "dict(sorted(store.records.items(), key=_created))",
            "dict(reversed(store.records.items()))",
        ),
    ),
    Plant(
        "restore forgets the floor it was given",
        "SPEC 11",
        ("engine/facade.py", "        store.restored_floor = max(store.restored_floor, epoch_floor)\n", ""),
    ),
    Plant(
        "restore forgets the clock",
        "I-51",
        ("engine/facade.py", '        self._last_ms = about["last_ms"]\n', ""),
    ),
    Plant(
        "more is due than there is",
        "SPEC 3",
        ("engine/facade.py", "self._next_deadline() <= now)", "self._next_deadline() <= now + 1)"),
    ),
    Plant(
        "the opening of a shelf is not told",
        "SPEC 3",
        (
            "engine/facade.py",
            "min(self._next_deadline(), explaining.next_opening_ms(self, now))",
            "min(self._next_deadline(), NEVER + now)",
        ),
    ),
)
