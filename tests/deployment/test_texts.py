"""Texts of which parts are known later only."""

import fnmatch
import re

import pytest
from hypothesis import given, settings, strategies as st

from wspubsub.deployment.description.texts import (
    may_equal,
    may_match,
    must_match,
    split_text,
)

TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
OWN = f"{TABLE}${{AWS::StackName}}-Table-${{Table}}"


@pytest.mark.parametrize(
    "pattern",
    [
        OWN,
        "*",
        f"{TABLE}*",
        f"{TABLE}${{AWS::StackName}}-*",
        f"{TABLE}${{?Name}}",
        "${?}",
        "arn:aws:dynamodb:eu-west-1:1:table/chat-Table-1ABC",
        "arn:aws:dynamodb:*:*:table/chat-?able-*",
        "${?Prefix}:table/${AWS::StackName}-Table-${Table}",
    ],
)
def test_a_pattern_may_match(pattern: str) -> None:
    assert may_match(pattern, OWN)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        TABLE,
        f"{TABLE}other",
        f"{TABLE}${{AWS::StackName}}-Users-${{Users}}",
        f"{TABLE}${{AWS::StackName}}-Table-${{Other}}",
        "arn:aws:sqs:eu-west-1:1:chat-Table-1ABC",
        "arn:aws:dynamodb:eu-west-1:1:table/chat-Table-",
    ],
)
def test_a_pattern_cannot_match(pattern: str) -> None:
    assert not may_match(pattern, OWN)


@pytest.mark.parametrize(
    ("pattern", "text", "is_certain"),
    [
        ("*", "${?}", True),
        ("a*", "a${?Name}", True),
        ("${Api}/*", "${Api}/prod", True),
        ("${?Name}/x", "${?Name}/x", True),
        ("${?}", "${?}", False),
        ("abc/*", "${Api}/prod", False),
        ("${?Name}/*", "abc/prod", False),
        ("a?", "a${?}", False),
        ("a?", "ab", True),
    ],
)
def test_only_what_matches_whatever_comes_must_match(
    pattern: str, text: str, *, is_certain: bool
) -> None:
    assert must_match(pattern, text) is is_certain
    assert may_match(pattern, text)


def test_holes_of_one_name_are_equal_and_others_are_not() -> None:
    assert may_equal("${?Stage}/x", "${?Stage}/x")
    assert not may_equal("${?Stage}/x", "${?Stage}/y")
    assert not may_equal("${Api}", "${Other}")
    assert not may_equal("${Api}", "")
    assert may_equal("a*", "a*")
    assert not may_equal("a*", "ab")


def test_a_text_is_not_split_within_a_hole() -> None:
    assert split_text("arn:${AWS::Partition}:x", ":") == [
        "arn",
        "${AWS::Partition}",
        "x",
    ]
    assert split_text("a", "::") == ["a"]
    assert split_text("a::b", "::") == ["a", "b"]


@settings(deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_without_holes_a_pattern_is_that_of_iam(pattern: str, text: str) -> None:
    expected = re.match(fnmatch.translate(pattern), text) is not None

    assert may_match(pattern, text) is expected
    assert must_match(pattern, text) is expected


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_must_match_matches_whatever_is_in_the_holes(data: st.DataObject) -> None:
    parts = st.sampled_from(["a", "b", "*", "?", "${Api}", "${?Name}", "/"])
    pattern = "".join(data.draw(st.lists(parts, max_size=6)))
    text = "".join(
        data.draw(
            st.lists(st.sampled_from(["a", "b", "${Api}", "${?Name}", "/"]), max_size=6)
        )
    )
    for hole in ("${Api}", "${?Name}"):
        value = data.draw(st.text("ab", min_size=1, max_size=3))
        filled = [each.replace(hole, value) for each in (pattern, text)]
        if must_match(pattern, text):
            assert must_match(*filled)
        if must_match(*filled) and "${" not in "".join(filled):
            assert may_match(pattern, text)
