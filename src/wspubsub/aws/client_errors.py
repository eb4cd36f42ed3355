"""Errors that AWS clients raise, whichever client it is; the one place that reads them.

botocore's errors are known by their names, so that nothing of botocore is imported.
"""

from collections.abc import Mapping
from typing import Any

from wspubsub.aws.endpoints import unknown_region
from wspubsub.aws.meanings import UNREADABLE, Meaning, meaning_of
from wspubsub.errors import CredentialsError
from wspubsub.records import Record

# Raised before a request is sent: there is nothing to sign it with.
_NO_CREDENTIALS = frozenset(
    {
        "ConfigNotFound",
        "ConfigParseError",
        "CredentialRetrievalError",
        "InvalidConfigError",
        "LoginError",
        "MetadataRetrievalError",
        "MissingDependencyException",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "RefreshWithMFAUnsupportedError",
        "SSOError",
        "TokenRetrievalError",
        "UnknownCredentialError",
    }
)
# What botocore calls on its own for credentials; a refusal of these is not the
# service's.
_FOR_CREDENTIALS = frozenset(
    {
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "CreateOAuth2Token",
        "CreateToken",
        "GetRoleCredentials",
        "GetSessionToken",
    }
)
_NO_ANSWER = frozenset({"ConnectionError", "HTTPClientError", "IncompleteReadError"})


class ClientFailure(Record):
    """A call of a client that failed.

    Attributes:
        meaning: Whether it may succeed later.
        code: AWS error code, or botocore's name for having no answer.
        status: Status of the answer, None if there was none.
        text: What happened, in words.
        answer: The answer, empty if there was none.
    """

    meaning: Meaning
    code: str
    status: int | None
    text: str
    answer: Mapping[str, Any]


def failure_of(error: Exception) -> ClientFailure:
    """Return what a client's error means.

    Raises:
        CredentialsError: There were no credentials to sign the request with.
        UsageError: There was no Region to send it to.
        Exception: The error itself, where it is not a client's.
    """
    answer = getattr(error, "response", None)
    if isinstance(answer, Mapping):
        if getattr(error, "operation_name", None) in _FOR_CREDENTIALS:
            raise CredentialsError(str(error)) from error
        return _refusal(answer, error)
    return _classify_unanswered(error)


def _refusal(answer: Mapping[str, Any], error: Exception) -> ClientFailure:
    found = answer.get("Error", {})
    code = str(found.get("Code") or "Unknown")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    text = " ".join(str(part) for part in (status, code, found.get("Message")) if part)
    return ClientFailure(
        meaning=meaning_of(status, code),
        code=code,
        status=status,
        text=text or str(error),
        answer=answer,
    )


def _classify_unanswered(error: Exception) -> ClientFailure:
    names = {each.__name__ for each in type(error).__mro__}
    code, text = type(error).__name__, str(error)
    if not type(error).__module__.startswith("botocore."):
        if not _is_of_parsing(error):
            raise error
        code, text = UNREADABLE, f"the answer cannot be read: {error}"
    elif code == "NoRegionError":
        raise unknown_region() from error
    elif names & _NO_CREDENTIALS:
        raise CredentialsError(str(error)) from error
    # A certificate that is not trusted now will not be trusted in a moment.
    is_passing = code == UNREADABLE or (names & _NO_ANSWER and code != "SSLError")
    return ClientFailure(
        meaning=Meaning.BROKEN if is_passing else Meaning.REFUSED,
        code=code,
        status=None,
        text=text,
        answer={},
    )


def _is_of_parsing(error: Exception) -> bool:
    """Return whether botocore raised it while it parsed an answer."""
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals.get("__name__") == "botocore.parsers":
            return True
        frame = frame.tb_next
    return False
