"""TLS settings: always verified, against the certificates that botocore would use.

Loading all of a system's certificates takes as long as all else in a cold start
together, and the services of AWS need only those of Amazon Trust Services. So these
are picked from the system's file and loaded first; the rest follows when a server's
certificate is not among their issue. Nothing is ever trusted that the file lacks.
"""

import binascii
import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from wspubsub.aws.urls import Url

_AMAZON = frozenset(
    {
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",  # CA 1
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",  # CA 2
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",  # CA 3
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",  # CA 4
        # Starfield Services Root Certificate Authority - G2
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    }
)
"""SHA-256 of the root certificates in the "Amazon Trust Services Repository"."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Trust:
    """Which servers are trusted.

    Args:
        bundle: File of certificates to trust; the system's if None.

    Raises:
        OSError: The file cannot be read.
    """

    __slots__ = ("_bundle", "_is_whole", "context")

    context: ssl.SSLContext

    def __init__(self, bundle: str | None) -> None:
        self._bundle = bundle
        roots = b"".join(_amazon_roots(bundle))
        self._is_whole = not roots
        self.context = _context(bundle, roots)

    def widen(self, context: ssl.SSLContext) -> bool:
        """Trust the whole file from now on; return whether `context` trusts less."""
        if not self._is_whole:
            self.context = _context(self._bundle, b"")
            self._is_whole = True
        return context is not self.context


def trust_of(url: Url, environment: Mapping[str, str]) -> Trust | None:
    """Return how a server's certificate is verified; None without TLS.

    `AWS_CA_BUNDLE` or else `REQUESTS_CA_BUNDLE` names a file of certificates to trust
    instead of the system's, as for boto3.

    Raises:
        OSError: The named file cannot be read.
    """
    if url.scheme != "https":
        return None
    bundle = environment.get("AWS_CA_BUNDLE") or environment.get("REQUESTS_CA_BUNDLE")
    return _trust(bundle or None)


# A context holds nothing of a connection, so all connections share it.
_trust = cache(Trust)


def _context(bundle: str | None, roots: bytes) -> ssl.SSLContext:
    context = (
        ssl.create_default_context(cadata=roots)
        if roots
        else ssl.create_default_context(cafile=bundle)
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _amazon_roots(bundle: str | None) -> Iterator[bytes]:
    paths: Any = ssl.get_default_verify_paths()  # typeshed takes the file for granted
    path = bundle or paths.cafile
    if path is None:  # the system keeps them in another way
        return
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib is one more import
        parts = file.read().split(_BEGIN)[1:]
    for part in parts:
        try:
            certificate = binascii.a2b_base64(part.partition(_END)[0])
        except ValueError:
            continue  # OpenSSL will say what is wrong with the file, if it is asked
        if sha256(certificate).hexdigest() in _AMAZON:
            yield certificate
