"""A throwaway certificate, and a bundle of authorities that trusts it.

It is made again for each run and its key is deleted with it, so it can be trusted by
the workers of that run and is worthless to anybody else.
"""

import datetime
import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from wspubsub.local.apigateway.tls import botocore_bundle, join_bundles, load_context

_LIFETIME = datetime.timedelta(days=30)
_CLOCK_SKEW = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate in a folder.

    Attributes:
        path: The certificate, which clients must trust.
        key_path: Its private key.
    """

    path: Path
    key_path: Path

    @classmethod
    def make(cls, folder: Path, names: Iterable[str]) -> "Certificate":
        """Create a certificate for host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign_certificate(key, names)
        path, key_path = folder / "certificate.pem", folder / "key.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        key_path.touch(mode=0o600)
        key_path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return cls(path=path, key_path=key_path)

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server: TLS 1.2 or 1.3, as on AWS."""
        return load_context(self.path, self.key_path)

    def bundle(self, known: Path | None) -> Path:
        """Return a file that AWS SDKs accept as `AWS_CA_BUNDLE`.

        Args:
            known: The bundle that would be used otherwise; botocore's own if None, so
                that AWS itself stays trusted.

        Raises:
            UsageError: That bundle cannot be read.
        """
        return join_bundles(self.path.parent, [known or botocore_bundle(), self.path])


def _sign_certificate(
    key: ec.EllipticCurvePrivateKey, names: Iterable[str]
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "wspubsub local gateway")]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([_alternative(each) for each in names]),
            critical=False,
        )
        # Its own authority, and of nothing else: clients trust it by itself. What
        # follows is what Python 3.13 and others want of an authority (RFC 5280).
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
            critical=False,
        )
        .sign(key, SHA256())
    )


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
