"""What type checkers say of a user's program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_mypy(file: Path) -> str:
    """Return what mypy has to say of a file; empty if it takes it."""
    return _run(sys.executable, "-m", "mypy", file)


def run_pyright(file: Path) -> str:
    """Return what pyright has to say of a file; empty if it takes it."""
    modules = os.environ.get("WSPUBSUB_TEST_NODE_MODULES")
    if modules is None and "CI" not in os.environ:
        pytest.skip("set WSPUBSUB_TEST_NODE_MODULES to a node_modules with pyright")
    assert modules is not None, "CI sets WSPUBSUB_TEST_NODE_MODULES"
    pyright = Path(modules) / ".bin" / "pyright"
    return _run(pyright, "--pythonpath", sys.executable, file)


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110
    )
    return f"{done.stdout}{done.stderr}" if done.returncode else ""
