"""An invocation with records of an event source, in the log."""

from dataclasses import dataclass

from wspubsub.local.journal.texts import GREEN, RED, YELLOW

_PLACES = {"aws:dynamodb": "stream", "aws:sqs": "queue"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """An invocation with records of an event source.

    Attributes:
        source: The `eventSource` of the records.
        records: How many there were.
        failed: How many of them are redelivered.
        retries: How often they were tried before.
        invocation_id: Lambda's request ID.
        seconds: How long it ran.
        outcome: How it ended, in a word.
        error: What was wrong; empty if nothing was.
    """

    source: str
    records: int
    failed: int
    retries: int
    invocation_id: str
    seconds: float
    outcome: str
    error: str

    @property
    def subject(self) -> str:
        """How many records there were, and how they fared."""
        text = f"{self.records} record{'s' * (self.records != 1)}"
        if self.failed:
            text += f", {self.failed} failed"
        return f"{text}, retry {self.retries}" if self.retries else text

    @property
    def place(self) -> str:
        """The source in a word."""
        return _PLACES.get(self.source, self.source)

    @property
    def color(self) -> str:
        """The color of the outcome."""
        if not self.failed:
            return GREEN
        return YELLOW if self.failed < self.records else RED
