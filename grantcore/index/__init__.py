"""Where to find it: indexes and counts, all derived from the records.

Entries are added where a change is committed and removed lazily: *an entry that its record does not
confirm is no member*. Each index bounds the unconfirmed ones by :func:`crowded`; ``check()`` verifies
both. After an interruption everything here is thrown away and built anew.
"""
