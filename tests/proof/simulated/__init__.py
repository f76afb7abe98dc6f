"""A simulated fleet with faults, and auditors apart from it that see answers and events only.

::

    running     parts from a seed; a failing one again, recorded and shortened
    workload    what is called, by chance: no model, no memory but handles
    site        the calls, by plain arguments, so that a recorded one can be pasted
    leases | events     what must follow from the answers | from the events
"""
