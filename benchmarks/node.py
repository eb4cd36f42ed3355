"""Where the Node packages are that peers need; installed at first use."""

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.options import Options

_INSTALL_SECONDS = 300
_PACKAGES = {
    "@aws-sdk/client-apigatewaymanagementapi": "3",
    "dynalite": "4",
}


def node_modules(package: str, options: Options) -> Path:
    """Return the folder of Node modules that has a package.

    Raises:
        MissingError: Node, npm or the package is not there, and a tiny run installs
            nothing.
        BenchmarkError: npm fails.
    """
    if shutil.which("node") is None:
        raise MissingError("node is not installed")
    folder = options.node_modules or _cache() / "node_modules"
    if not (folder / package).is_dir():
        if options.node_modules or options.tiny:
            raise MissingError(f"{package} is not in {folder}")
        _install(folder.parent)
    return folder


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "wspubsub-benchmarks"


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in _PACKAGES.items()]
    command = [npm, "install", "--silent", "--no-audit", "--no-fund"]
    try:
        subprocess.run(
            [*command, "--prefix", str(folder), *wanted],
            check=True,
            timeout=_INSTALL_SECONDS,
        )
    except subprocess.SubprocessError as error:
        raise BenchmarkError(f"npm cannot install {', '.join(wanted)}") from error
