"""Replays recordings of FlowFabric on grantcore and reports every difference (SPEC 13)."""
