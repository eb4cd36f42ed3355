"""TLS settings: always verified, against the certificates that botocore would use.

Loading all of a system's certificates takes as long as all else in a cold start
together, and the services of AWS need only those of Amazon Trust Services. So these
are picked from the system's file and loaded first; the rest follows when a server's
certificate is not among their issue, and with it those that botocore brings along.
An image may have no others.
"""

import binascii
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from typing import Any

from wspubsub.engine.urls import Url
from wspubsub.errors import UsageError

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
_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


class Trust:
    """Which servers are trusted.

    Args:
        bundle: File of certificates to trust; the system's and botocore's if None.

    Raises:
        OSError: The file cannot be read, or has no certificate.
    """

    __slots__ = ("_bundle", "_is_whole", "context")

    context: ssl.SSLContext

    def __init__(self, bundle: str | None) -> None:
        self._bundle = bundle
        roots = b"".join(_amazon_roots(bundle) if bundle else _usual_roots())
        self._is_whole = not roots
        self.context = _trust_roots(roots) if roots else _trust_all(bundle)

    def widen(self, context: ssl.SSLContext) -> bool:
        """Trust all roots from now on; return whether `context` trusts less."""
        if not self._is_whole:
            with suppress(OSError):  # the file has gone since
                self.context = _trust_all(self._bundle)
            self._is_whole = True
        return context is not self.context


def trust_of(url: Url, environment: Mapping[str, str]) -> Trust | None:
    """Return how a server's certificate is verified; None without TLS.

    `AWS_CA_BUNDLE` or else `REQUESTS_CA_BUNDLE` names a file of certificates to trust
    instead of the system's, as for boto3.

    Raises:
        UsageError: The named file cannot be read, or has no certificate.
    """
    if url.scheme != "https":
        return None
    for name in _VARIABLES:
        bundle = environment.get(name)
        if bundle:
            try:
                return _trust(bundle)
            except OSError as error:
                raise UsageError(
                    f"cannot load the certificates in {bundle}, which {name} names "
                    f"({error}); correct {name}, or unset it"
                ) from error
    return _trust(None)


# A context holds nothing of a connection, so all connections share it.
_trust = cache(Trust)


def _context() -> ssl.SSLContext:
    # As botocore makes it. `ssl.create_default_context` refuses, from Python 3.13 on,
    # certificates of private authorities that lack what RFC 5280 asks for.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _trust_roots(roots: bytes) -> ssl.SSLContext:
    context = _context()
    context.load_verify_locations(cadata=roots)
    return context


def _trust_all(bundle: str | None) -> ssl.SSLContext:
    context = _context()
    if bundle is None:
        context.load_default_certs()
        with suppress(OSError):
            _load(context, _botocore_bundle())
    else:
        _load(context, bundle)
    return context


def _load(context: ssl.SSLContext, bundle: str) -> None:
    try:
        context.load_verify_locations(bundle)
    except ssl.SSLError:
        # OpenSSL stops at the first certificate that is damaged.
        for certificate in _certificates(bundle):
            with suppress(ssl.SSLError):
                context.load_verify_locations(cadata=certificate)
        if not context.cert_store_stats()["x509"]:
            raise


def _usual_roots() -> list[bytes]:
    paths: Any = ssl.get_default_verify_paths()  # typeshed takes the file for granted
    with suppress(OSError):
        return list(_amazon_roots(paths.cafile or _botocore_bundle()))
    return []


def _botocore_bundle() -> str:
    """Return the path of the certificates that botocore would use.

    Raises:
        OSError: botocore is not installed.
    """
    # Without the cost of importing botocore.
    from importlib import import_module, util

    with suppress(ImportError):
        return str(import_module("certifi").where())
    found = util.find_spec("botocore")
    if found is None or found.submodule_search_locations is None:
        raise FileNotFoundError("botocore is not installed")
    return f"{found.submodule_search_locations[0]}/cacert.pem"


def _amazon_roots(bundle: str) -> Iterator[bytes]:
    for certificate in _certificates(bundle):
        if sha256(certificate).hexdigest() in _AMAZON:
            yield certificate


def _certificates(bundle: str) -> Iterator[bytes]:
    with open(bundle, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib is one more import
        parts = file.read().split(_BEGIN)[1:]
    for part in parts:
        with suppress(ValueError):  # a damaged one
            yield binascii.a2b_base64(part.partition(_END)[0])
