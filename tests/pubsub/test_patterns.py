"""Topic patterns: what fits them, what overlaps, and what cannot be read."""

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from wspubsub import UsageError
from wspubsub.pubsub.patterns import Pattern, check_overlap, check_parameters


@pytest.mark.parametrize(
    ("pattern", "topic", "variables"),
    [
        ("news", "news", {}),
        ("room:{room_id}", "room:1", {"room_id": "1"}),
        ("room:{room_id}", "room:a/b c", {"room_id": "a/b c"}),
        ("room-{room_id}:votes", "room-7:votes", {"room_id": "7"}),
        ("{tenant}:{room}", "a:b", {"tenant": "a", "room": "b"}),
        ("room:{room_id}", "room:", None),
        ("room:{room_id}", "room", None),
        ("room:{room_id}", "room:1:2", None),
        ("room:{room_id}", "groom:1", None),
        ("news", "news:1", None),
        ("news", "new", None),
        ("room-{room_id}", "room-", None),
    ],
)
def test_a_topic_fits_a_pattern_or_does_not(
    pattern: str, topic: str, variables: dict[str, str] | None
) -> None:
    assert Pattern(pattern).match(topic) == variables


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("news", "news", True),
        ("news", "olds", False),
        ("room:{a}", "room:{b}", True),
        ("room:{a}", "room:lobby", True),
        ("room:{a}", "room", False),
        ("room:{a}", "user:{a}", False),
        ("room:{a}", "{kind}:1", True),
        ("room:{a}", "room:{a}:votes", False),
        ("room-{a}", "room-x{b}", True),
        ("room-{a}", "room-", False),
        ("room-{a}", "rook-{a}", False),
    ],
)
def test_patterns_overlap_if_a_topic_fits_both(
    one: str, other: str, *, expected: bool
) -> None:
    assert Pattern(one).overlaps(Pattern(other)) is expected
    assert Pattern(other).overlaps(Pattern(one)) is expected


_texts = st.text("ab:", max_size=4)
_patterns = st.lists(
    st.tuples(st.text("ab", max_size=2), st.booleans()), min_size=1, max_size=3
).map(
    lambda parts: ":".join(
        f"{text}{{v{at}}}" if is_variable else text or "a"
        for at, (text, is_variable) in enumerate(parts)
    )
)


@given(_patterns, _patterns, _texts)
def test_a_topic_that_fits_two_patterns_shows_that_they_overlap(
    one: str, other: str, topic: str
) -> None:
    first, second = Pattern(one), Pattern(other)
    if first.match(topic) is not None and second.match(topic) is not None:
        assert first.overlaps(second)


def test_the_overlap_names_both_patterns() -> None:
    with pytest.raises(UsageError, match=r"'room:\{a\}' and 'room:lobby' overlap"):
        check_overlap(Pattern("room:lobby"), [Pattern("news"), Pattern("room:{a}")])


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("", "must be text such as"),
        (3, "must be text such as"),
        ("room:{}", "Python name"),
        ("room:{1}", "Python name"),
        ("room:{a}b", "at the end of the pattern or before a colon"),
        ("room:{a}{b}", "Python name"),
        ("room:{a", "Python name"),
        ("room:a}", "Python name"),
        ("room:}{a}", "Python name"),
        ("{a}:{a}", "twice"),
        ("{request}", "rename it"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_why(pattern: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Pattern(pattern)


def test_a_rule_must_take_the_variables() -> None:
    def right(request: object, room_id: str) -> None: ...

    def keyword_only(request: object, *, room_id: str) -> None: ...

    def any_keywords(request: object, **variables: str) -> None: ...

    def wrong(request: object, room: str) -> None: ...

    def positional_only(request: object, room_id: str, /) -> None: ...

    accepted: list[Callable[..., object]] = [right, keyword_only, any_keywords, str]
    refused: list[Callable[..., object]] = [wrong, positional_only]

    for function in accepted:
        check_parameters(function, "rule", ("room_id",))
    for function in refused:
        with pytest.raises(UsageError, match="needs a parameter 'room_id'"):
            check_parameters(function, "rule", ("room_id",))
