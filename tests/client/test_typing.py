"""Type checkers understand a program that uses the client."""

import pytest

from tests.support.type_checkers import ROOT, run_mypy, run_pyright

FILE = ROOT / "tests" / "support" / "typed_python_client.py"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_mypy_takes_it() -> None:
    assert not run_mypy(FILE)


def test_pyright_takes_it() -> None:
    assert not run_pyright(FILE)
