"""The proof that the engine is right: long runs that count what they did.

Each harness is a module of its own, with the marker ``proof`` on its tests; the long forms have the marker
``nightly``. What it must reach stands in one table, :mod:`tests.proof.figures`. A run is cut into parts, so
that all processors have something to do; each part is time-boxed and counts
(:class:`tests.proof.figures.Part`), and writes a line into the folder that the environment variable
``GRANTCORE_PROOF`` names, if there is one. ``python -m tests.proof FOLDER`` adds the lines up: a figure that
was not reached is a failure. Each harness also plants a bug of its own and must find it in the same run, or
it proves nothing.
"""
