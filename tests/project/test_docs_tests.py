"""The test files that the documentation shows run as they stand, beside their app."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = "docs/tutorial/first-app.md"


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize(
    ("page", "app_page", "number", "passed"),
    [
        ("README.md", "README.md", 0, 1),
        (TUTORIAL, TUTORIAL, 1, 1),
        ("docs/tutorial/small-room.md", "docs/tutorial/small-room.md", 0, 1),
        ("docs/how-to/test-your-handlers.md", TUTORIAL, 1, 2),
    ],
)
def test_a_test_file_runs_as_it_stands(
    page: str, app_page: str, number: int, passed: int, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(blocks(app_page, "python")[number])
    (tests,) = [each for each in blocks(page, "py") if each.startswith("import pytest")]
    (tmp_path / "test_app.py").write_text(tests)

    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert f"{passed} passed" in run.stdout


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
