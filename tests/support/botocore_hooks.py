"""boto3 as it is in a process that has not imported moto."""

import boto3
import pytest
from botocore import handlers


def leave_boto3_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no other library answer boto3's requests until the test ends."""
    builtin = [
        each
        for each in handlers.BUILTIN_HANDLERS
        if not each[0].startswith("before-send")
    ]
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", builtin)
    # A session has the handlers of when it was made.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
