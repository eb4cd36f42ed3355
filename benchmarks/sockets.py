"""`sockets`: the memory of `wspubsub dev` while clients are connected to it."""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from benchmarks import machine
from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.options import Options
from benchmarks.report import Report, Row

SOCKETS, _TINY_SOCKETS = 5000, 20
_AT_ONCE = 50
_START_SECONDS = 60
_APP = "from wspubsub import Router\n\nhandler = Router()\n"
_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

Process = subprocess.Popen[str]


def run(options: Options) -> Report:
    """Connect idle clients, and read the memory of the gateway's process."""
    if not Path("/proc/self/status").exists():
        raise MissingError("memory is read from /proc; it runs on Linux")
    sockets = _TINY_SOCKETS if options.tiny else SOCKETS
    with _running_dev() as (process, url):
        before = _megabytes(process)
        after = asyncio.run(_measure_connected(url, sockets, process))
    figures = {
        "sockets": sockets,
        "gateway_mb": after,
        "without_mb": before,
        "kb_per_socket": (after - before) * 1000 / sockets,
    }
    return Report(
        title="sockets: resident memory of the gateway's process, idle connections",
        machine=machine.describe(),
        rows=[Row("wspubsub dev", figures)],
    )


@contextmanager
def _running_dev() -> Iterator[tuple[Process, str]]:
    # An API with only `$default` accepts clients without invoking the handler.
    program = str(Path(sys.executable).with_name("wspubsub"))
    command = [program, "dev", "--json-logs", "--port", "0", "--route", "$default"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(_APP)
        with Path(folder, "log").open("w+") as log:
            process: Process = subprocess.Popen(
                [*command, "--", "app.py:handler"], cwd=folder, stdout=log, text=True
            )
            try:
                yield process, asyncio.run(_read_url(log, process))
            finally:
                process.terminate()
                process.wait()


async def _read_url(log: IO[str], process: Process) -> str:
    async with asyncio.timeout(_START_SECONDS):
        while process.poll() is None:
            log.seek(0)
            for line in log.readlines():
                if line.endswith("\n") and json.loads(line)["kind"] == "ready":
                    return str(json.loads(line)["url"])
            await asyncio.sleep(0.1)
    raise BenchmarkError("wspubsub dev has ended")


async def _measure_connected(url: str, count: int, process: Process) -> float:
    address = urlsplit(url)
    writers: list[asyncio.StreamWriter] = []
    for start in range(0, count, _AT_ONCE):
        batch = min(_AT_ONCE, count - start)
        writers += await asyncio.gather(
            *(
                _connect(address.hostname, address.port, address.path)
                for _ in range(batch)
            )
        )
    megabytes = _megabytes(process)
    for writer in writers:
        writer.transport.abort()
    return megabytes


async def _connect(
    host: str | None, port: int | None, path: str
) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection(host, port)
    request = _HANDSHAKE.format(path=path, host=f"{host}:{port}")
    writer.write(request.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in answer:
        raise BenchmarkError(f"the handshake was answered with {answer!r}")
    return writer


def _megabytes(process: Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6
