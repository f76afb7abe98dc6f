"""Observers, ready to be subscribed: what happens in an engine, for logs, counters, traces and pictures.

Each is an object to be given to ``engine.subscribe``, which tells it every event under the engine's lock;
so they are quick, and none calls the engine. Import the module you need: ``logs`` and ``metrics`` need
nothing, ``spans`` the extra ``otel``, drawing a ``timeline`` the extra ``plot``.
"""
