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

import botocore
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

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
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.path, self.key_path)
        return context

    def bundle(self, known: str | None) -> Path:
        """Return a file that AWS SDKs accept as `AWS_CA_BUNDLE`.

        Args:
            known: The bundle that would be used otherwise; botocore's own if None, so
                that AWS itself stays trusted.
        """
        others = Path(known or Path(botocore.__file__).parent / "cacert.pem")
        path = self.path.with_name("bundle.pem")
        path.write_bytes(others.read_bytes() + b"\n" + self.path.read_bytes())
        return path


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
        # Its own authority, and of nothing else: clients trust it by itself.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
