"""Patterns in rules."""

import re

import pytest
from hypothesis import given, strategies

from wspubsub.faults.patterns import covers, is_like

TEXTS = strategies.text("ab\n*", max_size=8)


@given(TEXTS, TEXTS)
def test_a_star_stands_for_any_characters(text: str, pattern: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))

    expected = re.fullmatch(expression, text, re.DOTALL) is not None

    assert is_like(text, pattern) is expected


def test_many_stars_take_no_longer_than_the_text_is_long() -> None:
    assert not is_like("a" * 10_000, "*a" * 1_000 + "*b")
    assert is_like("a" * 10_000, "*a" * 1_000)


@given(TEXTS, TEXTS, TEXTS)
def test_what_a_pattern_covers_it_matches(text: str, one: str, other: str) -> None:
    if covers(one, other) and is_like(text, other):
        assert is_like(text, one)


@pytest.mark.parametrize(
    ("pattern", "other", "expected"),
    [("*", "a*", True), ("a*", "ab", True), ("a*", "a*", True), ("a*", "*a", False)],
)
def test_one_pattern_may_cover_another(
    pattern: str, other: str, *, expected: bool
) -> None:
    assert covers(pattern, other) is expected
