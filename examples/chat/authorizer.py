"""A Lambda authorizer: clients get in with a JSON Web Token of an identity provider.

The token comes in the query string, since a browser's WebSocket sends no headers:

    wss://…/prod?token=eyJ…

It must be signed with a key that the provider publishes (its JWKS), for us, and not be
over. Its subject becomes the connection's principal. These variables say what is right:

    JWKS_URL         where the provider publishes its keys
    JWT_ISSUER       who must have issued the token (iss)
    JWT_AUDIENCE     for whom it must have been issued (aud)
    ALLOWED_ORIGINS  pages that may connect, such as https://app.example.com, separated
                     by commas; empty for any. What is no browser sends no origin and
                     is let in, since it could send any.

A token that is not right is answered with 401, a page that is not allowed with 403. If
the keys cannot be had, nobody gets in: API Gateway answers 500.
"""

import logging
import os
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
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Event = dict[str, Any]


def handler(event: Event, _context: object = None) -> dict[str, Any]:
    if not is_allowed(header(event, "origin")):
        return policy(event, "Deny", "nobody")
    claims = verified(token(event))
    context = {"scope": claims["scope"]} if isinstance(claims.get("scope"), str) else {}
    return policy(event, "Allow", claims["sub"], context)


def verified(text: str) -> dict[str, Any]:
    provider = keys()
    # Before the token is looked at: what goes wrong here is no fault of the client's.
    provider.get_signing_keys()
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
    except jwt.PyJWKClientConnectionError:
        raise
    except jwt.PyJWTError as error:
        log.info("refused: %.200r", error)
        raise unauthorized() from None
    if not claims["sub"]:
        raise unauthorized()
    return claims


@cache
def keys() -> jwt.PyJWKClient:
    # It keeps the keys for five minutes, and looks for one that it does not know twice
    # a minute at most, however many tokens name one.
    url = os.environ["JWKS_URL"]
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("JWKS_URL must begin with https://")
    return jwt.PyJWKClient(url, timeout=TIMEOUT_SECONDS)


def token(event: Event) -> str:
    found = (event.get("multiValueQueryStringParameters") or {}).get("token") or []
    if len(found) != 1:
        raise unauthorized()
    return str(found[0])


def unauthorized() -> Exception:
    return Exception("Unauthorized")  # exactly this text makes it a 401


def is_allowed(origin: str | None) -> bool:
    allowed = [each.strip() for each in os.environ["ALLOWED_ORIGINS"].split(",")]
    return origin is None or allowed == [""] or origin in allowed


def header(event: Event, name: str) -> str | None:
    for key, value in (event.get("headers") or {}).items():
        if key.lower() == name:
            return str(value)
    return None


def policy(
    event: Event, effect: str, principal: str, context: dict[str, str] | None = None
) -> dict[str, Any]:
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": event["methodArn"],
    }
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context or {},
    }
