"""How the gateway speaks TLS: with which certificate, and who trusts it."""

import configparser
import importlib.util
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import botocore

from wspubsub.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """A certificate that the user has brought.

    Attributes:
        path: The certificate, with those that lead to its authority.
        key_path: Its private key, unencrypted; None if it is in the same file.
    """

    path: Path
    key_path: Path | None = None

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server.

        Raises:
            UsageError: The files cannot be used.
        """
        key_path = self.key_path or self.path
        try:
            return load_context(self.path, key_path)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"cannot use the certificate {self.path} with the key {key_path}: "
                f"{error}; both must be PEM files, and the key not encrypted"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """TLS of a gateway.

    Attributes:
        context: The settings of the server.
        trusted: A file of certificates with which clients trust the gateway.
        bundle: A file that SDKs accept as `AWS_CA_BUNDLE`; it trusts AWS too.
    """

    context: ssl.SSLContext
    trusted: Path
    bundle: Path

    @classmethod
    def prepare(
        cls,
        folder: Path,
        names: Iterable[str],
        *,
        own: OwnCertificate | None,
        environ: Mapping[str, str],
    ) -> "Tls | None":
        """Return how to speak TLS; None if a package for it is missing.

        Args:
            folder: Where files are made that live as long as the gateway.
            names: Host names and addresses of the gateway.
            own: The user's certificate; None makes a temporary one.
            environ: Says whom the SDKs trust besides.

        Raises:
            UsageError: A certificate cannot be used.
        """
        known = _find_known_bundle(environ)
        if own is not None:
            context = own.server_context()
            path = join_bundles(folder, [known, _find_system_bundle(), own.path])
            return cls(context=context, trusted=path, bundle=path)
        if importlib.util.find_spec("cryptography") is None:
            return None
        # Imported only here: it takes its time, and may be missing.
        from wspubsub.local.apigateway.certificate import Certificate

        made = Certificate.make(folder, sorted(set(names)))
        return cls(
            context=made.server_context(),
            trusted=made.path,
            bundle=made.bundle(known),
        )

    def explain(self, error: OSError) -> str:
        """Return why a handshake of TLS failed, and what to do."""
        return (
            f"the TLS handshake failed: {error}; the client must trust the "
            f"certificates in {self.trusted}, and verify the name that it connects to"
        )


def is_distrust(error: OSError) -> bool:
    """Return whether an error says that the client does not trust the gateway.

    In TLS 1.3 the client says so after the server's handshake is over.
    """
    return isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")


def load_context(path: Path, key_path: Path) -> ssl.SSLContext:
    """Return the TLS settings of a server: TLS 1.2 or 1.3, as on AWS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Without a password OpenSSL would ask for one at the terminal.
    context.load_cert_chain(path, key_path, password="")
    return context


def join_bundles(folder: Path, files: Iterable[Path | None]) -> Path:
    """Return a file in a folder with the certificates of several.

    Raises:
        UsageError: One cannot be read.
    """
    path = folder / "bundle.pem"
    parts = []
    for file in filter(None, files):
        try:
            parts.append(file.read_bytes())
        except OSError as error:
            raise UsageError(
                f"cannot read the certificates in {file}: {error.strerror}; correct "
                "AWS_CA_BUNDLE, or ca_bundle in the AWS configuration file"
            ) from None
    path.write_bytes(b"\n".join(parts))
    return path


def botocore_bundle() -> Path:
    """Return the file of authorities that boto3 trusts unless told otherwise."""
    return Path(botocore.__file__).parent / "cacert.pem"


def _find_known_bundle(environ: Mapping[str, str]) -> Path:
    """Return whom boto3 would trust: a file of the user's, or botocore's own."""
    chosen = environ.get("AWS_CA_BUNDLE") or _find_configured_bundle(environ)
    chosen = chosen or environ.get("REQUESTS_CA_BUNDLE")
    return Path(chosen).expanduser() if chosen else botocore_bundle()


def _find_configured_bundle(environ: Mapping[str, str]) -> str | None:
    file = Path(environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read(file, encoding="utf-8")
    except (OSError, ValueError, configparser.Error):
        return None  # boto3 says what is wrong with it, if it is used
    section = f"profile {profile}" if profile else "default"
    return config.get(section, "ca_bundle", fallback=None)


def _find_system_bundle() -> Path | None:
    # Its authorities may be those that issued the certificate, as mkcert installs.
    found = ssl.get_default_verify_paths().cafile
    return Path(found) if found else None
