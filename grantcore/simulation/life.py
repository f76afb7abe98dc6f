"""What the world knows of a job from its submission to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from grantcore.simulation.job import Job

Standing = Literal["waiting", "leased", "delayed"]


@attrs.define(eq=False)
class Row:
    """A lease of the timeline while it is held."""

    worker_id: str
    execution_id: str
    lease_epoch: int
    begin_ms: int
    end_ms: int | None = None
    end: str = "open"


@attrs.define(eq=False)
class Life:
    """One execution that has not ended.

    Attributes:
        execution_id: the engine's name for it.
        job: what was submitted.
        submit_ms: when, in SimPy's time.
        poisoned: it kills every worker that touches it.
        fate: a draw of 0..1 that says what befalls the first lease.
        moment: a draw of 0..1 that says after which part of the work.
        standing: waiting (lost leases included), leased, or delayed until a retry.
        reclaims: how often it was taken over.
        epoch: of the current lease, or the last; 0: there was none.
        wait_ms: until the first lease; None before.
        lost: its last lease was lost and nobody has taken over.
        offered: whether the scheduler can grant it now.
        fault_ms: when what befell the current lease began; None: nothing did.
        row: of the timeline; None: not shown.
    """

    execution_id: str
    job: Job
    submit_ms: int
    poisoned: bool
    fate: float
    moment: float
    standing: Standing = "waiting"
    reclaims: int = 0
    epoch: int = 0
    wait_ms: int | None = None
    lost: bool = False
    offered: bool = False
    fault_ms: int | None = None
    row: Row | None = None
