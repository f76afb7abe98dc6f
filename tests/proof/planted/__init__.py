"""Planted bugs: each is put into the source of the engine, and must be found.

A plant is data (:mod:`~tests.proof.planted.plants`): some text of a module of ``grantcore``, which stands
there exactly once, and what stands there instead. A process of its own imports the altered source
(:mod:`~tests.proof.planted.altered`) and asks the detectors, cheap ones first
(:mod:`~tests.proof.planted.detectors`). The same machinery runs mutants (:mod:`tests.proof.mutation`).

``python -m tests.proof.planted NAME...`` hunts some plants and prints what was found, with the seed and the
shortest list of calls; ``--record`` hunts all of them and writes ``RESULTS.md``.
"""
