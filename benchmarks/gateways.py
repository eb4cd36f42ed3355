"""The gateways that are measured, each with handlers in a folder of its own."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from os import environ
from pathlib import Path
from typing import NamedTuple

from benchmarks.clients import BenchmarkClient
from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.node import node_modules
from benchmarks.options import Options
from benchmarks.proc import cpu_seconds, megabytes
from benchmarks.processes import clean

_HANDLERS = Path(__file__).parent / "handlers"
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.005
_MAX_LOG = 1000
_SDK = "@aws-sdk/client-apigatewaymanagementapi"
_SERVERLESS = """\
service: benchmark
provider: {{name: aws, runtime: nodejs20.x, environment: {{ENDPOINT: "{endpoint}"}}}}
plugins: ["{modules}/serverless-offline"]
functions:
  handler:
    handler: with_posts.handler
    events:
      - websocket: $connect
      - websocket: $disconnect
      - websocket: $default
      - websocket: {{route: answer, routeResponseSelectionExpression: $default}}
"""


class Command(NamedTuple):
    """How a gateway is started.

    Attributes:
        arguments: Program and arguments.
        url: Where clients connect to.
        environ: Environment variables that it needs.
    """

    arguments: list[str]
    url: str
    environ: dict[str, str]


Prepare = Callable[[Path, Options], Command]
"""Fills a folder, and returns what to start there."""


class RunningGateway(NamedTuple):
    """A gateway that has taken its first client.

    Attributes:
        url: Where clients connect to.
        process: Its process; those of its functions are children of it.
        ready_seconds: What the start took, to the end of the first handshake.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    ready_seconds: float

    @property
    def megabytes(self) -> float:
        """Resident memory of the gateway's own process."""
        return megabytes(self.process.pid)

    @property
    def cpu_seconds(self) -> float:
        """What it and its children have consumed."""
        return cpu_seconds(self.process.pid)


def prepare_ours(folder: Path, _: Options) -> Command:
    """Prepare `wspubsub dev` with a Python handler."""
    shutil.copy(_HANDLERS / "with_posts.py", folder)
    port = _free_port()
    program = str(Path(sys.executable).with_name("wspubsub"))
    arguments = [program, "dev", "--port", str(port), "with_posts.py:handler"]
    return Command(arguments, f"ws://127.0.0.1:{port}/dev", {})


def prepare_serverless_offline(folder: Path, options: Options) -> Command:
    """Prepare serverless-offline with a Node handler.

    Raises:
        MissingError: It is not installed.
    """
    packages = node_modules(_SDK, options)
    modules = options.serverless_offline
    if modules is None:
        raise MissingError("--serverless-offline does not say where it is installed")
    if not (modules / "serverless-offline").is_dir():
        raise MissingError(f"serverless-offline is not in {modules}")
    (folder / "node_modules").symlink_to(packages.resolve())
    shutil.copy(_HANDLERS / "with_posts.cjs", folder / "with_posts.js")
    port, *others = (_free_port() for _ in range(3))
    (folder / "serverless.yml").write_text(
        _SERVERLESS.format(
            modules=modules.resolve(), endpoint=f"http://127.0.0.1:{port}"
        )
    )
    program = str(modules.resolve() / "serverless/bin/serverless.js")
    ports = ["--websocketPort", "--httpPort", "--lambdaPort"]
    arguments = ["node", program, "offline", "start", "--host", "127.0.0.1"]
    for name, number in zip(ports, (port, *others), strict=True):
        arguments += [name, str(number)]
    return Command(
        arguments,
        f"ws://127.0.0.1:{port}/dev",
        {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"},
    )


@contextmanager
def start_gateway(prepare: Prepare, options: Options) -> Iterator[RunningGateway]:
    """Start a gateway, and end it afterwards.

    Raises:
        MissingError: It is not installed.
        BenchmarkError: It does not take a client.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = prepare(folder, options)
        log = stack.enter_context((folder / "log").open("w+b"))
        began = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=folder,
            env=clean(environ) | command.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        stack.callback(_end, process)
        while not _takes_client(command.url):
            if (
                process.poll() is not None
                or time.perf_counter() > _START_SECONDS + began
            ):
                log.seek(0)
                text = log.read().decode(errors="replace")[-_MAX_LOG:]
                raise BenchmarkError(f"{command.arguments} takes no client: {text}")
            time.sleep(_LOOK_SECONDS)
        yield RunningGateway(command.url, process, time.perf_counter() - began)


def _takes_client(url: str) -> bool:
    # While it starts, it may not listen, or refuse or drop whoever comes.
    with suppress(OSError, BenchmarkError), BenchmarkClient(url):
        return True
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
