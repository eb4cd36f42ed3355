"""Passes the rules of what fails to whoever obeys them."""

from pathlib import Path
from typing import Any

from wspubsub.errors import UsageError
from wspubsub.faults import Faults, Rule, Service, read_rules
from wspubsub.local.dynamodb.embedded import EmbeddedDynamoDB
from wspubsub.local.faults.rules_file import RulesFile
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal


class Shaking:
    """The rules of one gateway.

    Args:
        journal: Is told what fails, and which rules cannot.
        recorder: Is told what fails, and why.
        path: The file that the rules are in, if they are in one.

    Attributes:
        faults: What this process obeys.

    Raises:
        UsageError: The file cannot be read, or a rule is wrong.
    """

    def __init__(
        self, journal: Journal, recorder: Recorder, path: Path | None = None
    ) -> None:
        self._journal = journal
        self._recorder = recorder
        self._file = None if path is None else RulesFile(path)
        self._embedded: EmbeddedDynamoDB | None = None
        self.faults = Faults(on_fault=lambda fault: self._tell(fault.to_json()))
        if self._file is not None:
            self.faults.set_rules(self._file.read())

    def connect(self, embedded: EmbeddedDynamoDB | None) -> None:
        """Take the DynamoDB that obeys the rules; None if that is elsewhere."""
        self._embedded = embedded
        self._pass_on()

    def set_rules(self, rules: object) -> None:
        """Replace all rules; see `Faults.set_rules`.

        Raises:
            UsageError: One is wrong; the rules stay as they were.
        """
        self._replace(read_rules(rules, has_memory=False))

    def describe(self) -> dict[str, Any]:
        """Return the rules, with what they have done, and their file."""
        path = None if self._file is None else str(self._file.path)
        return {"rules": self.faults.to_json(), "file": path}

    def reread(self) -> None:
        """Read the file again if it has changed; a wrong one changes nothing."""
        if self._file is None or not self._file.has_changed():
            return
        try:
            self._replace(self._file.read())
        except UsageError as error:
            self._journal.warn(f"the rules stay unchanged: {error}")
            return
        count = len(self.faults.to_json())
        self._journal.note(f"{self._file.path.name} has changed: {count} rules")

    def take_message(self, message: dict[str, Any]) -> None:
        """Take what the embedded DynamoDB reports."""
        fault = message.get("fault")
        if fault is not None:
            self.faults.count(fault)
            self._tell(fault)

    def _tell(self, fault: dict[str, Any]) -> None:
        self._journal.log_fault(fault["text"])
        self._recorder.add(
            "fault",
            self._recorder.find(fault["trace"]),
            len(fault["text"]),
            fault["number"],
            fault["text"],
        )

    def _replace(self, rules: tuple[Rule, ...]) -> None:
        self.faults.set_rules(rules)
        self._pass_on()

    def _pass_on(self) -> None:
        rules = self.faults.to_json()
        services = {each["match"]["service"] for each in rules}
        if self._embedded is not None:
            self._embedded.send({"faults": rules})
        elif Service.DYNAMODB.value in services:
            self._journal.warn(
                "rules for dynamodb have no effect: the table is not in the embedded "
                "DynamoDB; start without --dynamodb"
            )
