"""A simulated fleet around the real engine, under virtual time: ``grantcore simulate``.

Data flows one way::

    command                    the command line: options, wall time, exit code
    report                     an outcome as a table
    world                      the event loop: submissions, workers, faults
    fleet | audit | chance     who works | what must hold | what happens by chance
    swf | workload             jobs from a log | made-up jobs
    job | outcome              what is simulated | what came of it

The extra ``simulation`` brings what ``command`` and ``report`` need; the rest needs the engine alone.
"""
