"""Many independent runs: what a setting costs and what it brings, over seeds.

Data flows one way::

    page | plot | tables | export    for a browser, as a picture, on a terminal, for programmes
    findings                         all that was found
    advice                           which setting, for a stated objective within stated bounds
    front                            which settings no other one beats
    summary                          results by setting: mean, least and most over the seeds
    runner                           the runs of a plan through an executor; finished ones are kept
    executors | store | plan         where runs happen | where they are kept | which runs
    work                             one run, data in and data out

Every setting is run with the same seeds (common random numbers): where two scenarios draw alike, what differs
between them is not chance.
"""
