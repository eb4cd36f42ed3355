"""Signature Version 4 for `execute-api` and `dynamodb`, as pure functions.

"Create a signed AWS API request" (AWS IAM User Guide). A path is signed as it is sent,
percent-encoded once more, so the `@connections` path of the Management API is encoded
twice in what is signed. `botocore.auth.SigV4Auth` is the oracle of the tests.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wspubsub.errors import CredentialsError

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))

Headers = Iterable[tuple[str, str]]


class Credentials(NamedTuple):
    """What requests are signed with; the token only for temporary credentials."""

    access_key: str
    secret_key: str
    token: str | None = None


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


class SigningKeys:
    """Signing keys, each made once for a day, a Region, a service and a secret."""

    __slots__ = ("_key", "_made_for")

    def __init__(self) -> None:
        self._made_for: tuple[str, str, str, str] | None = None
        self._key = b""

    def key(self, secret_key: str, day: str, region: str, service: str) -> bytes:
        """Return the signing key for a day (YYYYMMDD), a region and a service."""
        wanted = (secret_key, day, region, service)
        if self._made_for != wanted:
            key = f"AWS4{secret_key}".encode()
            for part in (day, region, service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
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
    from urllib.parse import quote  # DynamoDB's path is "/"

    return quote(path, safe="/~")


def canonical_request(
    method: str, path: str, query: str, headers: Headers, payload_hash: str
) -> str:
    """Return the canonical form of a request.

    Args:
        method: HTTP method.
        path: Path of the request target as it is sent.
        query: Query string as it is sent, percent-encoded, with its names in order.
        headers: All signed headers; names in lower case and in order.
        payload_hash: SHA-256 of the payload in hexadecimal.
    """
    pairs = list(headers)
    lines = "".join(f"{name}:{_trim(value)}\n" for name, value in pairs)
    names = ";".join(name for name, _ in pairs)
    return (
        f"{method}\n{canonical_path(path)}\n{query}\n{lines}\n{names}\n{payload_hash}"
    )


class Signer:
    """Signs many requests of one scope: everything but their digests is hashed once.

    It is HMAC (RFC 2104 §2) taken apart, so that what is the same for all signatures
    need not be repeated for each.

    Args:
        scope: When, where and for which service.
        key: Signing key, at most 64 bytes.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, scope: Scope, key: bytes) -> None:
        block = key.ljust(_BLOCK_BYTES, b"\0")
        prefix = f"{ALGORITHM}\n{scope.time}\n{scope.credential_scope}\n".encode()
        self._inner = hashlib.sha256(block.translate(_INNER) + prefix)
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def signature(self, canonical: bytes) -> str:
        """Return the signature of a canonical request in hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(hashlib.sha256(canonical).hexdigest().encode())
        outer.update(inner.digest())
        return outer.hexdigest()


def signature(canonical: bytes, scope: Scope, key: bytes) -> str:
    """Return the signature of a single canonical request in hexadecimal."""
    return Signer(scope, key).signature(canonical)


def authorization(
    credentials: Credentials, scope: Scope, headers: Headers, signed: str
) -> str:
    """Return the value of the `Authorization` header."""
    names = ";".join(name for name, _ in headers)
    return (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope.credential_scope}, "
        f"SignedHeaders={names}, Signature={signed}"
    )


def _trim(value: str) -> str:
    return " ".join(value.split())
