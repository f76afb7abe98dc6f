"""What grantcore costs, measured against a floor in one run.

``python -m benchmarks`` prints the table; ``--json`` gives the same rows as data, ``--quick`` only shows
that everything runs. ``pytest benchmarks/calls.py`` has pytest-benchmark look at each call by itself.

Machines differ and shared ones are noisy, so no number here means much alone. What is compared takes
turns in one process, sample by sample, and medians are compared: a slow minute then slows both sides.
Time is the processor's, so that waiting for it does not count. The yardstick is the *floor*
(``floor.py``): the same five calls with nothing but one dict probe, one guard and the writes that
cannot be spared.

The garbage collector stays on, as in a host. Engines that were loaded with many executions are frozen
out of its sight first (``gc.freeze``), as a host should do after a bulk load.
"""
