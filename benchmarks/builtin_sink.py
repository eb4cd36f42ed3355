"""The built-in sink, from the outside."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import server_cores
from benchmarks.processes import Child, child
from benchmarks.sink import Arrived


class BuiltInSink:
    """The built-in sink, in its process.

    Args:
        process: That process.
    """

    def __init__(self, process: Child) -> None:
        self.name = "built-in"
        self._process = process
        self.plain_port: int = process.hello["plain_port"]
        self.tls_port: int = process.hello["tls_port"]

    @classmethod
    @contextmanager
    def start(cls, certificate: Path, key: Path) -> Iterator["BuiltInSink"]:
        """Start it and end it afterwards."""
        command = [sys.executable, "-m", "benchmarks.sink_server"]
        files = [str(certificate), str(key)]
        with child([*command, *files], {}, server_cores()) as process:
            yield cls(process)

    def arrived(self, expected: int) -> Arrived:
        """See `Sink.arrived`."""
        return Arrived(**self._process.ask())
