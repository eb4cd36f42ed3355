"""The errors of the Management API: one for each meaning of its answers."""

import json

from wspubsub.aws.denials import advice_on
from wspubsub.aws.endpoints import default_domain
from wspubsub.aws.meanings import UNREADABLE, Meaning
from wspubsub.connections import Outcome
from wspubsub.engine.urls import split_url
from wspubsub.errors import (
    AccessDeniedError,
    ConnectionGoneError,
    ManagementError,
    ThrottledError,
)

_OUTCOMES = {Meaning.GONE: Outcome.GONE, Meaning.THROTTLED: Outcome.THROTTLED}


def outcome_of(meaning: Meaning) -> Outcome:
    """Return what became of a post, given its final answer."""
    return _OUTCOMES.get(meaning, Outcome.FAILED)


def error_for(
    meaning: Meaning,
    connection_id: str,
    endpoint: str,
    *,
    status: int | None,
    code: str | None,
    text: str,
) -> ManagementError:
    """Return the error to raise for an answer."""
    if meaning is Meaning.GONE:
        return ConnectionGoneError(connection_id)
    if meaning is Meaning.THROTTLED:
        return ThrottledError(
            "the Management API throttled the request: the account's rate limit is "
            "exceeded, or the client reads too slowly",
            status=status,
            code=code,
        )
    if meaning is Meaning.DENIED:
        return AccessDeniedError(
            explain_denial(endpoint, text), status=status, code=code
        )
    return ManagementError(
        f"the Management API at {endpoint} failed: {text}", status=status, code=code
    )


def explain_denial(endpoint: str, text: str) -> str:
    """Return what to do about a refusal, depending on what AWS says.

    Only where AWS names a permission, or nothing at all, it is the IAM statement that
    may be missing.
    """
    advice = advice_on(text) or _place_or_permission(endpoint, text)
    return f"the Management API at {endpoint} denied access ({text}): {advice}"


def _place_or_permission(endpoint: str, text: str) -> str:
    statement = (
        f"the function's role needs the statement {json.dumps(_statement(endpoint))}"
    )
    if "is not authorized to perform" in text:
        return statement
    return f"{_wrong_place(endpoint)}; if the URL is right, {statement}"


def _wrong_place(endpoint: str) -> str:
    place = default_domain(endpoint)
    if place:
        return (
            f"perhaps the API has no stage {place.stage!r}, or its default "
            "endpoint is disabled and clients must use a custom domain"
        )
    url = split_url(endpoint)
    return (
        f"perhaps {url.host} has no API mapping for the path {url.path or '/'!r}: "
        "behind a custom domain the path is the mapping's key, not the stage"
    )


def _statement(endpoint: str) -> dict[str, str]:
    place = default_domain(endpoint)
    arn = (
        f"arn:{place.partition}:execute-api:{place.region}:ACCOUNT:"
        f"{place.api_id}/{place.stage}/*/@connections/*"
        if place
        else "arn:aws:execute-api:REGION:ACCOUNT:API-ID/STAGE/*/@connections/*"
    )
    return {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": arn,
    }


def unreadable_answer(endpoint: str, error: Exception) -> ManagementError:
    """Return the error to raise for an answer that the Management API never gives."""
    return ManagementError(
        f"{endpoint} did not answer as the Management API does ({error!r}); "
        "check that the URL is right",
        code=UNREADABLE,
    )
