"""A simulated scheduler and its workers around the real engine, under virtual time.

``grantcore simulate`` does one run, ``grantcore sweep`` many. Data flows one way::

    command                          the command line: options and exit codes
    simulating | sweeping            what its two commands do
    asking | waiting                 the scenario that is asked for | a progress bar
    sweep                            many runs: plan, executors, store, front, advice, tables, picture, page
    report                           one run for people and programmes: terminal, JSON, plots, page
    measures                         what the raw numbers of a run mean
    run                              a scenario in, a record out
    world                            SimPy processes: submitter, scheduler, workers, faults, downstream
    fleet | recorder | audit         who works | events and notes as a record | what must hold
    clock                            SimPy's time as the engine's
    scenario | workloads | chance    what is run, and its file | jobs from anywhere | seeded draws
    job | record                     one job | the raw numbers of a run

The extra ``simulation`` brings what it needs beside the engine.
"""
