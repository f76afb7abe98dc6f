"""What grantcore costs, measured against a floor and its peers in one run.

``python -m benchmarks`` measures everything and prints a table for each group, with goal, stretch, measured
and ratio; names of groups measure those alone. ``--json`` gives the rows as data, ``--quick`` only shows that
everything runs, ``--record`` rewrites ``RESULTS.md`` and README.md's tables, ``--guard`` compares a handful
of ratios with the recorded ones and fails if one has become much dearer.

How it is measured: ``timing.py``. The yardstick is the *floor* (``floor.py``): the same five calls with
nothing but one dict probe, one guard and the writes that cannot be spared. One module per group:
``frequent``, ``targeted``, ``scenario``, ``parts``, ``memory``, ``pauses``, ``growth``, and the folder
``peers``.

The garbage collector stays on, as in a host. Engines that were loaded with many executions are frozen
out of its sight first, as a host should do after a bulk load.
"""
