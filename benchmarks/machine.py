"""The machine that the figures are of, and which of its cores does what."""

import os
import platform
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("wspubsub", "boto3", "aiobotocore", "aws-lambda-powertools")


def describe() -> dict[str, str | int]:
    """Return what is worth knowing of this machine and its software."""
    versions = {"node": _node_version()} | {
        name: _installed(name) for name in _PACKAGES
    }
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        # What others did on it: wall times are worth little on a busy machine.
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION.split()[1],
        **{name: version for name, version in versions.items() if version},
    }


def client_cores() -> frozenset[int]:
    """Return the cores for what is measured: one, so that figures are of one core."""
    return frozenset(_cores()[:1])


def server_cores() -> frozenset[int]:
    """Return the cores for all the rest, so that it takes nothing from the client."""
    return frozenset(_cores()[1:] or _cores())


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Run this thread, and the processes that it starts, on some cores only.

    Without an effect where the system has no such call.
    """
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cores() -> list[int]:
    # macOS and Windows have no affinity to set.
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
    return next(names, platform.machine())


def _node_version() -> str:
    command = ["node", "--version"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
