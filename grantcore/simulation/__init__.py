"""A simulated fleet around the real engine, under virtual time: ``grantcore simulate``.

Data flows one way::

    command                        the command line: options, wall time, exit code
    report                         a record as a table
    run                            one run: a scenario goes in, a record comes out
    world                          SimPy processes around the engine
    audit | recorder               what must hold, judged from outside | what a report needs
    clock | fleet                  SimPy's time for an engine | who works, shared out over the work
    workloads | chance             jobs from logs, tables or made up | what happens by chance
    scenario | job | record        what is simulated | what is submitted | what came of it

The extra ``simulation`` brings SimPy for ``clock``, ``world`` and ``run``, and what ``command`` and
``report`` need.
"""
