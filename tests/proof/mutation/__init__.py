"""Mutation testing of `model`, `rules`, `index` and `engine`: small changes that nobody thought of.

A mutant (:mod:`~tests.proof.mutation.mutants`) is altered source, as a planted bug is, and is hunted in the
same way: by two short compared runs, the tests of its file, and all detectors
(:mod:`~tests.proof.mutation.trials`).

``python -m tests.proof.mutation --files rules/fencing.py --sample 20 --seed 1`` tries some;
``MUTATION.md`` has the last recorded sample, and why its survivors live.
"""
