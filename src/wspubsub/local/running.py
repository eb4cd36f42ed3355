"""How a command finds the gateways that run on this machine.

A gateway keeps a small file, named after its port, in a folder that only its user may
read. It holds a lock on it for as long as it lives, however it ends: a file without a
lock is left over. Such a file stays until a gateway on the same port replaces it, since
whoever deleted it might delete the new one instead.
"""

import contextlib
import json
import os
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from wspubsub.errors import UsageError
from wspubsub.handlers.environ import Surroundings

if sys.platform != "win32":
    import fcntl

VERSION = 1
"""Of the file; another version's gateway is not found."""

CONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGateway:
    """A gateway that runs on this machine.

    Attributes:
        port: Where it listens.
        url: The URL that clients connect to.
        surroundings: What its functions find.
    """

    port: int
    url: str
    surroundings: Surroundings


def find_gateway(
    port: int | None = None, environ: Mapping[str, str] = os.environ
) -> RunningGateway:
    """Return the gateway that runs on this machine.

    Args:
        port: Where it listens; None if only one runs.
        environ: Says where the user's files of running programs are.

    Raises:
        UsageError: No gateway runs, or several do and no port is given.
    """
    found = {each.port: each for each in find_gateways(environ)}
    if port is None and len(found) == 1:
        return next(iter(found.values()))
    if port in found:
        return found[port]
    ports = ", ".join(map(str, sorted(found)))
    if port is None and found:
        raise UsageError(f"gateways run on ports {ports}; choose one with --port")
    if found:
        raise UsageError(f"no gateway runs on port {port}, but on {ports}")
    on_port = "" if port is None else f" on port {port}"
    raise UsageError(f"no gateway runs{on_port}; start one with `wspubsub dev`")


def find_gateways(
    environ: Mapping[str, str] = os.environ,
) -> Iterator[RunningGateway]:
    """Yield the gateways that run on this machine."""
    folder = _find_folder(environ)
    if not folder.exists() or not _is_ours(folder):
        return
    for path in sorted(folder.glob("*.json")):
        gateway = _read(path)
        if gateway is not None:
            yield gateway


@contextlib.contextmanager
def announce(
    gateway: RunningGateway, environ: Mapping[str, str] = os.environ
) -> Iterator[None]:
    """Let commands find a gateway during a block.

    Raises:
        OSError: On entering: the file cannot be written.
    """
    folder = _find_folder(environ)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(folder):
        raise PermissionError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)
    path = folder / f"{gateway.port}.json"
    # Locked before it has its name, so that nobody takes it for one left over; mkstemp
    # makes it with mode 0600.
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if sys.platform != "win32":  # pragma: no branch
            fcntl.flock(file, fcntl.LOCK_EX)
        json.dump(_describe(gateway), file)
        file.flush()
        Path(temporary).replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def try_announcing(
    stack: contextlib.AsyncExitStack,
    gateway: RunningGateway,
    environ: Mapping[str, str],
) -> str:
    """Let commands find a gateway until a stack is left.

    Returns:
        Why they will not; empty if they will.
    """
    try:
        stack.enter_context(announce(gateway, environ))
    except OSError as error:
        return str(error)
    return ""


def _describe(gateway: RunningGateway) -> dict[str, Any]:
    surroundings = asdict(gateway.surroundings)
    if surroundings["ca_bundle"] is not None:
        surroundings["ca_bundle"] = str(surroundings["ca_bundle"])
    return {
        "version": VERSION,
        "port": gateway.port,
        "url": gateway.url,
        "surroundings": surroundings,
    }


def _read(path: Path) -> RunningGateway | None:
    # A file of another version, or of a gateway that is just ending, is not a running
    # gateway.
    try:
        with path.open(encoding="utf-8") as file:
            found = json.load(file)
            if found["version"] != VERSION or not _is_held(file, found["port"]):
                return None
        surroundings = found["surroundings"]
        bundle = surroundings["ca_bundle"]
        surroundings |= {
            "ca_bundle": None if bundle is None else Path(bundle),
            "own_names": tuple(surroundings["own_names"]),
        }
        return RunningGateway(
            port=found["port"],
            url=found["url"],
            surroundings=Surroundings(**surroundings),
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _is_held(file: IO[str], port: int) -> bool:
    if sys.platform == "win32":  # pragma: no cover - it has other locks
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS).close()
            return True
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _find_folder(environ: Mapping[str, str]) -> Path:
    own = environ.get("XDG_RUNTIME_DIR")
    if own and Path(own).is_dir():
        return Path(own) / "wspubsub"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"wspubsub-{user}"


def _is_ours(folder: Path) -> bool:
    # Anybody may make a folder of that name among the temporary files.
    found = folder.lstat()
    is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and is_own
