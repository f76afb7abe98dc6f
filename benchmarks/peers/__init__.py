"""Others on the same work, each in its best form: put, get, keep alive where there is such a thing, complete.

A peer that is not installed is skipped by name. They are imported by name at the last moment, and described
by protocols of the few methods that are used, since most ship no types.
"""
