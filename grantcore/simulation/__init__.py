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
    life                             what the world knows of a job from its submission to its end
    workloads | record               jobs from anywhere | the raw numbers of a run
    scenario                         what is run, and its file
    chance | job | sizes             seeded draws | one job | sizes as capabilities

The extra ``simulation`` brings what it needs beside the engine.
"""
