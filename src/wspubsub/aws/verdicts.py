"""What the engine does with an answer, depending on what it means."""

from wspubsub.aws.meanings import Meaning, meaning_of
from wspubsub.engine.exchange import Verdict

_VERDICTS = {Meaning.THROTTLED: Verdict.THROTTLED, Meaning.BROKEN: Verdict.BROKEN}


def verdict_on(status: int, code: str | None) -> Verdict:
    """Return whether an answer other than success is final, by status and code."""
    return _VERDICTS.get(meaning_of(status, code), Verdict.FINAL)
