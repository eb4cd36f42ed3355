"""A fresh clone in which somebody has set up the examples, once for all tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.reader import Reader
from tests.examples.readme import blocks
from tests.support.browser import Browser, run_browser
from tests.support.servers.cuttable import Wire, wire_to
from tests.support.servers.gateways import ROOT, DevGateway, environment


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git has, or would take, of this repository."""
    folder = tmp_path_factory.mktemp("clone") / "wspubsub"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def reader_environ() -> dict[str, str]:
    """What a new terminal has: no virtual environment, no credentials."""
    environ = environment({"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        environ.pop(name, None)
    folders = [ROOT / ".tools" / "aws-sam-cli" / "bin"]
    own = str(ROOT / ".venv")
    rest = [
        each for each in environ["PATH"].split(os.pathsep) if not each.startswith(own)
    ]
    environ["PATH"] = os.pathsep.join([*map(str, folders), *rest])
    return environ


@pytest.fixture(scope="session")
def set_up(
    clone: Path,
    reader_environ: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Where somebody stands who has followed the README of the examples."""
    notes = tmp_path_factory.mktemp("reader") / "set-up"
    reader = Reader(clone, notes, reader_environ)
    for block in blocks((clone / "examples" / "README.md").read_text()):
        reader.follow(block)
    return notes


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the library and nothing else."""
    folder = tmp_path_factory.mktemp("packaged") / "build"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--no-compile", "--target", folder, ROOT),
        ],
        check=True,
    )
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the pages; each tab has cookies and storage of its own."""
    with run_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def wire(gateway: DevGateway) -> Iterator[Wire]:
    """A network between the pages and the module's `gateway`."""
    with wire_to(gateway.port) as wire:
        yield wire
