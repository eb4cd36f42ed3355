"""How many posts an invocation has made, and what became of them."""

from collections.abc import Mapping

_NONE: Mapping[str, int] = {}
_OUTCOMES = {200: "posted", 410: "gone", 429: "throttled"}


class Posts:
    """Counts posts by the invocation that made them.

    Those that no invocation in progress has made are counted together, under 0: a
    program outside has made them, or nothing is recorded by which it could be told.
    """

    def __init__(self) -> None:
        self._counts: dict[int, dict[str, int]] = {}

    @property
    def has_others(self) -> bool:
        """Whether there are any under 0."""
        return 0 in self._counts

    def open(self, number: int) -> None:
        """Count for an invocation from now on, unless its number is 0."""
        if number:
            self._counts[number] = {}

    def counts(self, status: int) -> bool:
        """Return whether a post with this answer is counted; an error is not."""
        return status in _OUTCOMES

    def count(self, cause: int, status: int) -> None:
        """Count a post.

        Args:
            cause: Number of the invocation.
            status: What it was answered.
        """
        counts = self._counts.get(cause)
        if counts is None:
            counts = self._counts.setdefault(0, {})
        outcome = _OUTCOMES[status]
        counts[outcome] = counts.get(outcome, 0) + 1

    def take(self, number: int) -> Mapping[str, int]:
        """Return what was counted under a number, and count no more."""
        return self._counts.pop(number, _NONE)


def describe_posts(counts: Mapping[str, int]) -> str:
    """Return counts as a line below another, such as `posted to 57, 1 gone`."""
    texts = []
    if "posted" in counts:
        texts.append(f"posted to {counts['posted']}")
    others = (each for each in ("gone", "throttled") if each in counts)
    texts += [f"{counts[outcome]} {outcome}" for outcome in others]
    return f"{'':<20} {', '.join(texts)}" if texts else ""
