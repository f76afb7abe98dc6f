"""Each peer that is installed does its work; one that is not is skipped by name; the server is stopped."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from benchmarks.peers import embedded
from benchmarks.peers.beanstalkd import served, used_ns
from benchmarks.peers.everyone import PEERS, measure
from benchmarks.peers.peer import Absent, Peer, Work, always
from benchmarks.sizes import QUICK

pytestmark = pytest.mark.uncovered


@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_a_peer_works(peer: Peer) -> None:
    try:
        with peer.open() as work:
            assert work(100) > 0
            assert work(100) > 0
    except Absent as absent:
        pytest.skip(str(absent))


def missing() -> AbstractContextManager[Work]:
    raise Absent("no module elsewhere")


def test_who_is_absent_is_skipped_by_name() -> None:
    here = Peer("queue", "put", "", "", always(embedded.priority_queue), goal=0.001)
    away = replace(here, name="elsewhere", open=missing)
    group = measure(QUICK, (here, away))
    assert group.skipped[0] == "elsewhere: no module elsewhere"
    assert [row.what for row in group.rows[-1:]] == ["queue"]
    assert group.rows[-1].ok is True
    assert "Quoted, not measured" in group.skipped[-1]


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(Absent, match="nowhere_at_all"):
        embedded._module("nowhere_at_all")


def test_the_server_is_started_and_stopped() -> None:
    try:
        with served() as (process, client):
            before_ns = used_ns(process)
            client.lifecycles(200)
            client.lifecycles(1)
            assert used_ns(process) > before_ns
    except Absent as absent:
        pytest.skip(str(absent))
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_server_is_stopped_after_an_error() -> None:
    process = 0
    with pytest.raises(ZeroDivisionError):
        try:
            with served() as (process, _):
                raise ZeroDivisionError
        except Absent as absent:
            pytest.skip(str(absent))
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
