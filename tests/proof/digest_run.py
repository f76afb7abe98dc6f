"""One run of a seed in a process of its own: ``python -m tests.proof.digest_run SEED MOVES [--plant]``.

Needs grantcore and the standard library only; prints one JSON object. With ``--plant`` the order in which a
set of tokens is iterated reaches the state.
"""

from __future__ import annotations

import hashlib
import json
import sys

from tests.proof.simulated.running import setting_of
from tests.proof.simulated.site import Site
from tests.proof.simulated.workload import Workload


def outcome(seed: int, moves: int, *, plant: bool = False) -> dict[str, object]:
    """What must be the same everywhere: state, events, bytes of the snapshot, position of the ids."""
    site = Site(seed, setting_of(seed))
    told = hashlib.sha256()
    site.engine.subscribe(lambda event: told.update(repr(event).encode()))
    Workload(seed, site).go(moves)
    site.whole()
    if plant:
        _leak(site)
    return {
        "calls": site.calls,
        "digest": site.engine.digest(),
        "events": told.hexdigest(),
        "heard": site.events.sequence,
        "snapshot": hashlib.sha256(site.engine.snapshot()).hexdigest(),
        "ids": site.ids.lease_id(),
        "python": list(sys.version_info[:3]),
    }


def _leak(site: Site) -> None:
    """Tag something by the order of a set, as a careless engine would."""
    tokens = {f"token-{n}" for n in range(20)}
    site.engine.create_execution(lane_id="c", execution_id="leaky", tags={"order.x": ",".join(tokens)})


if __name__ == "__main__":
    print(json.dumps(outcome(int(sys.argv[1]), int(sys.argv[2]), plant="--plant" in sys.argv)))
