"""What the linter and the type checker are told to overlook, and why."""

import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 60
"""How many there may be in the package: a new one takes the place of another."""

NOQA = r"noqa: [A-Z]+\d+(?:, [A-Z]+\d+)* -"
WITH_REASON = re.compile(
    rf"# (?:{NOQA}|type: ignore\[[a-z, -]+\] +#(?: {NOQA})?) [\w`$].*"
)


def suppressions(folder: str) -> dict[str, str]:
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT and re.match(
                    r"#.*\b(noqa|type: ignore)\b", token.string
                ):
                    place = f"{path.relative_to(ROOT)}:{token.start[0]}"
                    found[place] = token.string
    return found


@pytest.mark.parametrize(
    "folder", ["src", "tests", "benchmarks", "examples", "scripts", "docs"]
)
def test_each_says_what_it_suppresses_and_why(folder: str) -> None:
    unexplained = {
        place: comment
        for place, comment in suppressions(folder).items()
        if not WITH_REASON.fullmatch(comment)
    }

    assert not unexplained


def test_there_are_few_in_the_package() -> None:
    assert len(suppressions("src")) <= MOST


def test_the_rules_of_whole_folders_say_why() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    table = pyproject.partition("[tool.ruff.lint.per-file-ignores]\n")[2]
    lines = table.partition("\n\n")[0].splitlines()

    unexplained = [
        line
        for line, above in zip(lines, ["", *lines], strict=False)
        if not line.startswith("#") and not above.startswith("#")
    ]

    assert lines
    assert not unexplained
