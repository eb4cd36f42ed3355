"""Which topics have a log, and how much of each is kept."""

from collections.abc import Callable, Mapping

from wspubsub.errors import UsageError
from wspubsub.log.rules import DEFAULT_HISTORY, History
from wspubsub.topics import find_by_pattern

Histories = History | Mapping[str, History | None] | Callable[[str], History | None]
"""One history for all topics, one for each pattern of topic names (`*`, `?`, `[…]`), or
a function of the topic.

The first pattern that fits counts. A topic that fits none, or whose history is None,
has no log.
"""


class HistoryPlan:
    """Knows how much of a topic's log is kept.

    Args:
        histories: What the user has chosen.

    Raises:
        UsageError: It is not of one of these kinds.
    """

    __slots__ = ("_find",)

    def __init__(self, histories: Histories = DEFAULT_HISTORY) -> None:
        self._find = _finder(histories)

    def find(self, topic: str) -> History | None:
        """Return the history of a topic, or None if it has no log."""
        return self._find(topic)

    def require(self, topic: str) -> History:
        """Return the history of a topic.

        Raises:
            UsageError: The topic has no log.
        """
        history = self._find(topic)
        if history is None:
            raise UsageError(
                f"topic {topic!r} has no log; give it a History in the log's history="
            )
        return history


def _finder(histories: Histories) -> Callable[[str], History | None]:
    if isinstance(histories, History):
        return lambda _: histories
    if isinstance(histories, Mapping):
        _check_patterns(histories)
        return lambda topic: find_by_pattern(histories, topic)
    if callable(histories):
        return histories
    raise UsageError(
        "history must be a History, a mapping of topic patterns to a History or "
        f"None, or a function of the topic, not {histories!r:.80}"
    )


def _check_patterns(histories: Mapping[str, object]) -> None:
    for pattern, history in histories.items():
        if not isinstance(history, History | None):
            raise UsageError(
                "history must map patterns of topic names to a History or None, "
                f"not {pattern!r:.80} to {history!r:.80}"
            )
