"""The README is right, here and where its links lead from PyPI."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from benchmarks import documents

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUP = "python3 -m venv .venv && .venv/bin/pip install -e "


@pytest.mark.parametrize(
    "command",
    [
        f"{SETUP}'.[local]' && .venv/bin/wspubsub demo",
        f"{SETUP}'.[dev]' && .venv/bin/pytest",
    ],
)
def test_a_command_that_sets_up_is_one_line(command: str) -> None:
    assert README.splitlines().count(command) == 1


def test_the_figures_are_those_that_were_measured() -> None:
    pages = documents.write_pages()

    assert ROOT / "README.md" in pages
    assert len(pages) == 3
    for page, text in pages.items():
        assert page.read_text() == text, f"{page}: python -m benchmarks.documents"


def test_what_we_have_is_shown_by_a_page_whose_examples_are_tested() -> None:
    table = README.split("## How it compares\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in table.splitlines()
        if line.startswith("|")
    ]

    ours = {row[0]: row[1] for row in cells[2:]}

    assert {len(row) for row in cells} == {7}
    pages = re.findall(r"\]\(([^)#]+)", " ".join(ours.values()))
    assert len(pages) >= 6
    assert [page for page in pages if not _is_tested(page)] == []


def test_no_link_is_relative_on_pypi() -> None:
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]

    text = README
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)

    targets = re.findall(r"\]\(([^)]+)\)", text)
    repository = PROJECT["project"]["urls"]["Repository"]
    assert [each for each in targets if not each.startswith("https://")] == []
    assert "![The log of wspubsub dev" in text
    assert f"({repository}/raw/main/docs/_static/dev.svg)" in text
    assert f"({repository}/blob/main/CONTRIBUTING.md)" in text


def test_every_address_of_the_project_is_in_its_repository() -> None:
    urls = PROJECT["project"]["urls"]

    assert all(url.startswith(urls["Repository"]) for url in urls.values())


@pytest.mark.integration
def test_the_picture_shows_what_dev_prints() -> None:
    script = ROOT / "scripts" / "draw-dev"

    run = subprocess.run(
        [sys.executable, str(script), "--check"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def _is_tested(page: str) -> bool:
    text = (ROOT / page).read_text()
    return (
        page == "docs/reference/limits.md"
        or "```python" in text
        or "wspubsub template" in text
    )
