"""Certificate authorities of a test, and servers that they vouch for."""

import datetime
import ssl
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

_NOW = datetime.datetime.now(datetime.UTC)
_HOUR = datetime.timedelta(hours=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Authority:
    """An authority as companies make them: without what RFC 5280 asks for besides.

    That is Key Usage, and the Authority Key Identifier of what it issues.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name = _name(name)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._issue(self._name, self._key, is_authority=True)
        self.pem = self._certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        return sha256(self._certificate.public_bytes(Encoding.DER)).hexdigest()

    def server_context(self) -> ssl.SSLContext:
        """Return how a server speaks TLS whose certificate this authority issued."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issue(_name("localhost"), key, is_authority=False)
        path = self._folder / f"{self.fingerprint}.pem"
        path.write_bytes(
            certificate.public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _issue(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool
    ) -> x509.Certificate:
        alternative = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW - _HOUR)
            .not_valid_after(_NOW + 24 * _HOUR)
            .add_extension(alternative, critical=False)
            .add_extension(constraints, critical=True)
            .sign(self._key, SHA256())
        )
