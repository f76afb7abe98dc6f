"""What came of a run, for people (``terminal``, ``page``, ``plots``) and for programmes (``data``)."""
