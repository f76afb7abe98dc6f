"""Imports and uses an engine under an audit hook; prints what was touched. A process of its own.

``python tests/robustness/exposure_child.py`` needs nothing but grantcore on the path.
"""

from __future__ import annotations

import sys

TOUCHED: set[str] = set()
WRITES = ("w", "a", "x", "+")
QUIET = (
    "import",
    "compile",
    "exec",
    "marshal.loads",
    "object.__getattr__",
    "object.__setattr__",
    "os.listdir",
    "os.scandir",
    "sys._getframe",
    "sys._current_frames",
    "builtins.id",
    "code.__new__",
    "cpython._PySys_ClearAuditHooks",
    "gc.",
    "sys.setprofile",
    "_thread.",
    "time.",
)
"""Events that touch nothing outside the process, or are the import system's reading of modules."""


def hook(event: str, arguments: tuple[object, ...]) -> None:
    """Note what leaves the process."""
    if event == "open":
        path, mode, flags = (*arguments, None, None, None)[:3]
        written = isinstance(mode, str) and any(letter in mode for letter in WRITES)
        if written or (isinstance(flags, int) and flags & 3) or not str(path).endswith((".py", ".pyc")):
            TOUCHED.add(f"open {path} {mode} {flags}")
    elif not event.startswith(QUIET):
        TOUCHED.add(event)


def use() -> None:
    """A whole life, with time, observers, refusals, snapshot and restore."""
    import grantcore  # noqa: PLC0415 - under the hook

    clock = grantcore.ManualClock()
    engine = grantcore.GrantEngine(clock=clock)
    events: list[object] = []
    engine.subscribe(events.append)
    who = {"worker_id": "w", "worker_instance_id": "w-1"}
    request = grantcore.IssueClaimGrantRequest(**who, lane_id="main", grant_ttl_ms=1000)
    for number in range(3):
        engine.create_execution(lane_id="main", execution_id=f"e-{number}", delay_until_ms=number)
        clock.advance(5)
        grant = engine.issue_claim_grant(f"e-{number}", request)
        lease = engine.take(grant, **who, lease_ttl_ms=10)  # type: ignore[arg-type]
        engine.renew_lease(lease, lease_ttl_ms=20)
        if number:
            engine.fail_execution(lease, reason="r")
        else:
            engine.complete_execution(lease)
    engine.operator("op").cancel("nobody-1", reason="") if engine.describe_execution("nobody-1") else None
    restored = grantcore.GrantEngine.restore(engine.snapshot(), clock=clock)
    assert restored.digest() == engine.digest()
    restored.check()
    grantcore.Scheduler(restored).peek("main", ())
    grantcore.GrantEngine().now_ms()
    assert len(events) > 10


if __name__ == "__main__":
    if "--list" in sys.argv:
        before = set(sys.modules)
        import grantcore  # noqa: F401

        print(*sorted(set(sys.modules) - before))
    else:
        if "--plant" in sys.argv:
            import socket
        import logging  # noqa: F401 - what the standard library does at import is not ours
        import secrets  # noqa: F401

        sys.addaudithook(hook)
        use()
        if "--plant" in sys.argv:
            socket.socket().close()
        print(*sorted(TOUCHED), sep="\n")
