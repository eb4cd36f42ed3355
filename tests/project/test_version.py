"""The version and the changelog agree."""

import importlib.metadata
import re
from collections import Counter
from pathlib import Path

import wspubsub

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def test_the_changelog_begins_with_what_is_unreleased_or_with_this_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", CHANGELOG.read_text(), re.MULTILINE)

    assert headings[0] in {"Unreleased", wspubsub.__version__}
    released = [heading for heading in headings if heading != "Unreleased"]
    assert released[:1] in ([], [wspubsub.__version__])


def test_no_entry_of_the_changelog_stands_twice() -> None:
    # A merge that keeps both sides leaves the old wording of an entry beside the new.
    entries = re.findall(r"^- .+", CHANGELOG.read_text(), re.MULTILINE)
    beginnings = Counter(entry[:40] for entry in entries)

    assert [each for each, count in beginnings.items() if count > 1] == []
    assert len(entries) > 50


def test_the_distribution_has_this_version() -> None:
    assert importlib.metadata.version("wspubsub") == wspubsub.__version__
