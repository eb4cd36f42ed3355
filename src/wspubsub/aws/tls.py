"""TLS settings: always verified, against the certificates that botocore would use."""

import ssl
from collections.abc import Mapping
from functools import cache


def client_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return a verifying TLS context.

    `AWS_CA_BUNDLE` or else `REQUESTS_CA_BUNDLE` names a file of certificates to trust
    instead of the system's, as for boto3.

    Raises:
        OSError: The named file cannot be read.
    """
    bundle = environment.get("AWS_CA_BUNDLE") or environment.get("REQUESTS_CA_BUNDLE")
    return _context(bundle or None)


# Loading the certificates takes as long as all else in a cold start together, and a
# context holds nothing of a connection, so all connections share it.
@cache
def _context(bundle: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
