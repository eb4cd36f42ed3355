"""Tokens for the chat's authorizer: good ones, and some that only look so."""

import base64
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from tests.support.servers.jwks import Provider, ec_key, rsa_key

ISSUER, AUDIENCE = "https://id.example.com/", "chat"


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token, or of one that is changed."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "exp": int(time.time()) + 60,
    }
    changed = good | changes
    return {name: value for name, value in changed.items() if value is not None}


# Made once: an RSA key takes a while.
RSA, OTHER_RSA, EC = rsa_key(), rsa_key(), ec_key()


def unsigned(_idp: Provider) -> str:
    """Return a token without a signature."""
    return jwt.encode(claims(), "", "none", headers={"kid": "rsa"})


def signed_with_what_is_public(_idp: Provider) -> str:
    """Return a token whose secret is the published key."""
    # By hand: PyJWT refuses to sign so.
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims())
    text = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in parts
    )
    signed = hmac.digest(public, text, "sha256")
    return (text + b"." + base64.urlsafe_b64encode(signed).rstrip(b"=")).decode()


def signed_with_another_key(_idp: Provider) -> str:
    """Return a token that somebody else has signed."""
    return jwt.encode(claims(), OTHER_RSA, "RS256", headers={"kid": "rsa"})


def of_another_algorithm(_idp: Provider) -> str:
    """Return a token of an algorithm that is not ours."""
    return jwt.encode(claims(), RSA, "RS512", headers={"kid": "rsa"})


def that_names_another_kind_of_key(_idp: Provider) -> str:
    """Return a token that names a key of another kind."""
    return jwt.encode(claims(), RSA, "RS256", headers={"kid": "ec"})


def that_names_no_key(_idp: Provider) -> str:
    """Return a token that names no key."""
    return jwt.encode(claims(), RSA, "RS256")


def with_other_claims(idp: Provider) -> str:
    """Return a token whose claims were changed after it was signed."""
    header, _, signature = idp.token("rsa", claims()).split(".")
    _, payload, _ = idp.token("rsa", claims(sub="admin")).split(".")
    return f"{header}.{payload}.{signature}"
