"""Type checkers understand a program that uses the client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "support" / "typed_python_client.py"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def verdict(*command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110
    )
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


def test_mypy_takes_it() -> None:
    assert not verdict(sys.executable, "-m", "mypy", FILE)


def test_pyright_takes_it() -> None:
    modules = os.environ.get("WSPUBSUB_TEST_NODE_MODULES")
    if modules is None and "CI" not in os.environ:
        pytest.skip("set WSPUBSUB_TEST_NODE_MODULES to a node_modules with pyright")
    assert modules is not None, "CI sets WSPUBSUB_TEST_NODE_MODULES"
    pyright = Path(modules) / ".bin" / "pyright"

    assert not verdict(pyright, "--pythonpath", sys.executable, FILE)
