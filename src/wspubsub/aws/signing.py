"""Signature Version 4 for `execute-api` and `dynamodb`, as pure functions.

"Create a signed AWS API request" (AWS IAM User Guide). A path is signed as it is sent,
percent-encoded once more, so the `@connections` path of the Management API is encoded
twice in what is signed. `botocore.auth.SigV4Auth` is the oracle of the tests.
"""

import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from wspubsub.errors import CredentialsError

if TYPE_CHECKING:
    from _hashlib import HASH

ALGORITHM = "AWS4-HMAC-SHA256"

_UNRESERVED_MARKS = dict.fromkeys(map(ord, "/-._~"))
"""What is signed as it is sent, besides letters and digits (RFC 3986 §2.3)."""

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Credentials(NamedTuple):
    """What requests are signed with; the token only for temporary credentials."""

    access_key: str
    secret_key: str
    token: str | None = None


CredentialsSource: TypeAlias = Callable[[], Credentials]
"""Returns the credentials as they are now; raises `CredentialsError` without any."""


def credentials_in(environment: Mapping[str, str]) -> Credentials:
    """Return the credentials that Lambda puts into the environment.

    They are read for each batch of requests, since they can change between
    invocations.

    Raises:
        CredentialsError: There are none.
    """
    access_key = environment.get("AWS_ACCESS_KEY_ID")
    secret_key = environment.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        raise CredentialsError("the environment variables are not set")
    return Credentials(
        access_key, secret_key, environment.get("AWS_SESSION_TOKEN") or None
    )


def environment_credentials() -> Credentials:
    """Return the credentials that Lambda puts into the environment, as they are now.

    Raises:
        CredentialsError: There are none.
    """
    return credentials_in(os.environ)


class SigningKeys:
    """Signing keys, each made once for a day, a Region, a service and a secret."""

    __slots__ = ("_key", "_made_for")

    def __init__(self) -> None:
        self._made_for: tuple[str, str] | None = None
        self._key = b""

    def key(self, secret_key: str, scope: "Scope") -> bytes:
        """Return the signing key for a day, a Region and a service."""
        parts = scope.credential_scope
        wanted = (secret_key, parts)
        if self._made_for != wanted:
            key = f"AWS4{secret_key}".encode()
            for part in parts.split("/"):
                inner, outer = _begin_hmac(key)
                inner.update(part.encode())
                outer.update(inner.digest())
                key = outer.digest()
            self._key, self._made_for = key, wanted
        return self._key


class Scope(NamedTuple):
    """When, where and for which service a request is signed.

    Attributes:
        time: ISO 8601 basic format, such as `20261123T041500Z`.
        region: AWS region.
        service: Signing name, such as `execute-api`.
    """

    time: str
    region: str
    service: str

    @property
    def credential_scope(self) -> str:
        """The scope as it appears in the signature."""
        return f"{self.time[:8]}/{self.region}/{self.service}/aws4_request"


def canonical_path(path: str) -> str:
    """Return the path of a request target as it is signed."""
    if path in {"", "/"}:
        return "/"
    plain = path.replace("@", "")
    if plain.isascii() and plain.translate(_UNRESERVED_MARKS).isalnum():
        return path.replace("@", "%40")
    from urllib.parse import quote  # of a usual endpoint's path only "@" is encoded

    return quote(path, safe="/~")


class Signer:
    """Signs many requests of one scope: everything but their digests is hashed once.

    So what is the same for all signatures need not be repeated for each.

    Args:
        scope: When, where and for which service.
        key: Signing key.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, scope: Scope, key: bytes) -> None:
        self._inner, self._outer = _begin_hmac(key)
        prefix = f"{ALGORITHM}\n{scope.time}\n{scope.credential_scope}\n"
        self._inner.update(prefix.encode())

    def signature(self, canonical: bytes) -> str:
        """Return the signature of a canonical request in hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(sha256(canonical).hexdigest().encode())
        outer.update(inner.digest())
        return outer.hexdigest()


def _begin_hmac(key: bytes) -> "tuple[HASH, HASH]":
    """Return the inner and the outer hash of an HMAC (RFC 2104 §2), begun."""
    # The module `hmac` would be one more to load in a cold start.
    if len(key) > _BLOCK_BYTES:
        key = sha256(key).digest()
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


def authorization(credentials: Credentials, scope: Scope, names: str) -> str:
    """Return the value of the `Authorization` header up to the signature.

    Args:
        credentials: What the request is signed with.
        scope: When, where and for which service.
        names: Names of the signed headers, separated by `;`.
    """
    return (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope.credential_scope}, "
        f"SignedHeaders={names}, Signature="
    )
