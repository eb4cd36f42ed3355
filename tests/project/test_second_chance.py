"""What fails in continuous integration has a second chance, and no third."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "test-twice"
PASSES_LATER = """
import pathlib

def test_passes():
    pass

def test_passes_later():
    mark = pathlib.Path(__file__).with_suffix(".mark")
    is_first = not mark.exists()
    mark.touch()
    assert not is_first
"""
NEVER_PASSES = f"{PASSES_LATER}\ndef test_never_passes():\n    assert False\n"
STOPS = f"{PASSES_LATER}\ndef test_stops():\n    raise KeyboardInterrupt\n"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def run(folder: Path, tests: str) -> "subprocess.CompletedProcess[str]":
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_some.py").write_text(tests)
    return subprocess.run(
        [SCRIPT, sys.executable, "-m", "pytest", "-c", folder / "pytest.ini", folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_passes_the_second_time_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES_LATER)

    _, again = done.stdout.split("once more")
    assert done.returncode == 0
    assert "test_some.py::test_passes_later PASSED" in again
    assert "test_some.py::test_passes " not in again


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    done = run(tmp_path, NEVER_PASSES)

    assert done.returncode == 1
    assert "test_never_passes FAILED" in done.stdout.split("once more")[1]


def test_tests_that_were_stopped_are_not_tried_again(tmp_path: Path) -> None:
    done = run(tmp_path, STOPS)

    assert done.returncode == 2
    assert "once more" not in done.stdout
