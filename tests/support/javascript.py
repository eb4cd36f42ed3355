"""The JavaScript module, and how tests run it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.support.sdks.driver import find_modules, find_node
from tests.support.servers.gateways import ROOT, environment

MODULE = ROOT / "src" / "wspubsub" / "client" / "js"
SCRIPTS = ROOT / "tests" / "client" / "js"
_PATIENCE_SECONDS = 60.0


def run_node(script: Path, *arguments: str, text: str = "") -> Any:
    """Run a script in Node and return the JSON that it prints."""
    done = run([find_node(), str(script), *arguments], text=text)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_tool(name: str, *arguments: str) -> str:
    """Run a program of an npm package and return what it says."""
    find_node()
    program = str(Path(find_modules()) / ".bin" / name)
    done = run([program, *arguments], text="")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(command: list[str], *, text: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment({}),
        timeout=_PATIENCE_SECONDS,
    )


class _Files(SimpleHTTPRequestHandler):
    # Python guesses by the machine's own list, and browsers insist.
    extensions_map = {  # noqa: RUF012 - as the class it extends declares it
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
    }

    def log_message(self, *_: object) -> None:
        """Say nothing of what was asked for."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, since browsers load no modules from files."""
    handler = partial(_Files, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
