"""A Lambda authorizer: clients get in with a JSON Web Token of an identity provider.

The token comes in the query string, since a browser's WebSocket sends no headers:

    wss://…/prod?token=eyJ…

It must be signed with a key that the provider publishes (its JWKS), for us, and not be
over. Its subject becomes the connection's principal. These variables say what is right:

    JWKS_URL         where the provider publishes its keys
    JWT_ISSUER       who must have issued the token (iss)
    JWT_AUDIENCE     for whom it must have been issued (aud)
    ALLOWED_ORIGINS  pages that may connect, such as https://app.example.com, separated
                     by commas; empty for any. Programs other than browsers send
                     none and are let in, since they could send any.

A token that is not right is answered with 401, a page that is not allowed with 403. If
the keys cannot be had, nobody gets in: API Gateway answers 500.
"""

import logging
import math
import os
import time
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jwt

log = logging.getLogger("authorizer")
log.setLevel(logging.INFO)

# Signed with a private key, all of them: what the JWKS has can check and not sign.
ALGORITHMS = ["RS256", "ES256"]
LEEWAY_SECONDS = 10
TIMEOUT_SECONDS = 3
PAUSE_SECONDS = 5
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Event = dict[str, Any]


class Keys(jwt.PyJWKClient):
    # Kept for five minutes. One that is not among them is looked for once in 30 seconds
    # at most, or in five if the provider fails, so that forged tokens do not become as
    # many requests.
    asked_at = -math.inf

    def fetch_data(self) -> dict[str, Any]:
        if time.monotonic() - self.asked_at < PAUSE_SECONDS:
            raise RuntimeError("the provider has failed a moment ago")
        self.asked_at = time.monotonic()
        answer: dict[str, Any] = super().fetch_data()
        return answer

    def get_signing_keys(self, refresh: bool = False) -> list[jwt.PyJWK]:  # noqa: FBT001, FBT002 - PyJWT's
        try:
            return super().get_signing_keys(refresh)
        except jwt.PyJWTError as error:
            # No fault of the client's, so no 401 but 500.
            raise RuntimeError(f"there are no keys: {error}") from error


def handler(event: Event, _context: object = None) -> dict[str, Any]:
    headers = {name.lower(): text for name, text in event["headers"].items()}
    if not is_allowed(headers.get("origin")):
        return policy(event, "Deny", "nobody")
    claims = verified(token(event))
    context = {"scope": claims["scope"]} if isinstance(claims.get("scope"), str) else {}
    return policy(event, "Allow", claims["sub"], **context)


def verified(text: str) -> dict[str, Any]:
    provider = keys()
    try:
        key = provider.get_signing_key(jwt.get_unverified_header(text).get("kid", ""))
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=ALGORITHMS,
            issuer=os.environ["JWT_ISSUER"],
            audience=os.environ["JWT_AUDIENCE"],
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        # Not its text, which may have parts of the token.
        log.info("refused: %s", type(error).__name__)
        raise unauthorized() from None
    if not claims["sub"]:
        raise unauthorized()
    return claims


@cache
def keys() -> Keys:
    url = os.environ["JWKS_URL"]
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("JWKS_URL must begin with https://")
    return Keys(url, timeout=TIMEOUT_SECONDS)


def token(event: Event) -> str:
    found = (event.get("multiValueQueryStringParameters") or {}).get("token") or []
    if len(found) != 1:
        raise unauthorized()
    return str(found[0])


def unauthorized() -> Exception:
    return Exception("Unauthorized")  # exactly this text makes it a 401


def is_allowed(origin: str | None) -> bool:
    text = os.environ["ALLOWED_ORIGINS"].strip()
    allowed = {each.strip() for each in text.split(",")} - {""}
    return origin is None or not text or origin in allowed


def policy(event: Event, effect: str, principal: str, **context: str) -> Event:
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": event["methodArn"],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal, "policyDocument": document, "context": context}
