"""The glossary is true of the code."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

GLOSSARY = Path(__file__).parents[2] / "docs" / "reference" / "glossary.md"
PACKAGES = (
    "wspubsub",
    "wspubsub.aws",
    "wspubsub.deployment",
    "wspubsub.dynamodb",
    "wspubsub.eventsources",
    "wspubsub.fanout",
    "wspubsub.testing",
)
# Names that AWS gave: log groups, a Lambda request ID.
AWS_NAMES = {"log_group", "log_group_name", "aws_request_id"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_has_a_word_that_the_glossary_avoids(package: str) -> None:
    avoided = avoided_words()

    found = {
        name: avoided & set(words(name))
        for name in public_names(package)
        if name not in AWS_NAMES and avoided & set(words(name))
    }

    assert not found


def test_each_word_of_the_glossary_has_a_meaning_and_one_row() -> None:
    defined = [word for word, _, _ in rows()]

    assert len(defined) == len(set(defined)) > 40
    assert all(meaning.endswith(".") for _, meaning, _ in rows())


def avoided_words() -> set[str]:
    """Return the words of the last column that are not terms themselves."""
    table = rows()
    terms = {word for terms, _, _ in table for word in terms.split(", ")}
    named = {word for _, _, others in table for word in others.split(", ")}
    return {word for word in named if word.isalpha()} - terms


def rows() -> list[tuple[str, str, str]]:
    lines = [line for line in GLOSSARY.read_text().splitlines() if line[:2] == "| "]
    cells = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines[1:]]
    return [
        (term, meaning, re.sub(r" \(.*?\)", "", others))
        for term, meaning, others in cells
    ]


def public_names(package: str) -> Iterator[str]:
    module = importlib.import_module(package)
    for name in module.__all__:
        yield name
        value = getattr(module, name)
        if isinstance(value, type):
            yield from (each for each in vars(value) if not each.startswith("_"))


def words(name: str) -> list[str]:
    parts = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    return [part.lower() for part in parts]
