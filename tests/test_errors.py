"""Error texts that quote what a client sent."""

import json
import sys

import pytest

from wspubsub import TopicError
from wspubsub.errors import NoRouteError
from wspubsub.topics import validate_topic


def test_a_topic_that_is_nested_without_end_is_refused_like_any_other() -> None:
    topic = json.loads("[" * 500 + "]" * 500)
    limit = sys.getrecursionlimit()

    sys.setrecursionlimit(200)
    try:
        with pytest.raises(TopicError) as caught:
            validate_topic(topic)
    finally:
        sys.setrecursionlimit(limit)

    assert str(caught.value) == "a topic must be text: [[...]]"


@pytest.mark.parametrize("size", [81, 100_000])
def test_what_is_quoted_is_short(size: int) -> None:
    errors = [TopicError("x" * size, "too long"), NoRouteError("x" * size)]

    assert all(len(str(error)) < 200 for error in errors)
