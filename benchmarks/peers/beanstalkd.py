"""beanstalkd, a work queue in C: started for the measurement on a socket of its own, and stopped after it.

The socket is a Unix one, the fastest it has. Its cost is the processor time of both sides: what the server
used, which the kernel tells, and what this client used, which does no more than its protocol asks.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, process_time_ns, sleep
from typing import TYPE_CHECKING, Final

from benchmarks.peers.peer import Absent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from benchmarks.peers.peer import Work

PUT: Final = b"put 0 0 30 3\r\njob\r\n"
RESERVE: Final = b"reserve\r\n"
CRLF: Final = b"\r\n"
START_S: Final = 10
CHUNK: Final = 1 << 16


class Client:
    """The protocol, pipelined: so many requests are sent together, and their answers read together."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def lifecycles(self, count: int) -> None:
        """Put, reserve, touch and delete so many jobs, each kind in one go."""
        self._lines(PUT * count, count, b"INSERTED")
        reserved = self._lines(RESERVE * count, 2 * count, b"RESERVED")
        ids = [line.split()[1] for line in reserved[::2]]
        self._lines(b"".join([b"touch %b\r\n" % job for job in ids]), count, b"TOUCHED")
        self._lines(b"".join([b"delete %b\r\n" % job for job in ids]), count, b"DELETED")

    def _lines(self, requests: bytes, count: int, expected: bytes) -> list[bytes]:
        """Send requests, read so many lines of answers."""
        self._socket.sendall(requests)
        answers = self._socket.recv(CHUNK)
        while answers.count(CRLF) < count:
            answers += self._socket.recv(CHUNK)
        assert answers.startswith(expected), answers[:80]
        assert answers.endswith(CRLF), answers[-80:]
        return answers[: -len(CRLF)].split(CRLF)


def pipelined(by: int) -> Callable[[], AbstractContextManager[Work]]:
    """Run lifecycles by so many at a time."""

    @contextmanager
    def opened() -> Generator[Work]:
        with served() as (server, client):

            def work(count: int) -> float:
                began_ns = process_time_ns() + used_ns(server)
                for _ in range(count // by):
                    client.lifecycles(by)
                return (process_time_ns() + used_ns(server) - began_ns) / count

            yield work

    return opened


@contextmanager
def served() -> Generator[tuple[int, Client]]:
    """Start a server, answer its process and a client; stop it afterwards."""
    program = shutil.which("beanstalkd")
    if program is None or not Path("/proc/self/schedstat").exists():
        raise Absent("no beanstalkd here, or no kernel that tells its time")
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as client:
        path = str(Path(folder) / "socket")
        server = subprocess.Popen([program, "-l", f"unix:{path}"])  # noqa: S603 - the program that PATH names
        try:
            _connect(client, path)
            yield server.pid, Client(client)
        finally:
            server.terminate()
            server.wait()


def _connect(client: socket.socket, path: str) -> None:
    """Connect as soon as the server listens."""
    until_s = monotonic() + START_S
    while True:
        try:
            client.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            if monotonic() > until_s:
                raise
            sleep(0.01)
        else:
            return


def used_ns(process: int) -> int:
    """How long a process has run on a processor."""
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0])
