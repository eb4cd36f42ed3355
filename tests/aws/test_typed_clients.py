"""Type checkers take a user's own clients as they are typed by `types-boto3`."""

import pytest

from tests.support.type_checkers import ROOT, run_mypy, run_pyright

FILE = ROOT / "tests" / "support" / "typed_clients.py"

pytestmark = pytest.mark.integration


def test_mypy_takes_them() -> None:
    assert not run_mypy(FILE)


def test_pyright_takes_them() -> None:
    assert not run_pyright(FILE)
