"""An identity provider: keys, tokens signed with them, and a JWKS on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key() -> rsa.RSAPrivateKey:
    """Return a new key for RS256."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def ec_key() -> ec.EllipticCurvePrivateKey:
    """Return a new key for ES256."""
    return ec.generate_private_key(ec.SECP256R1())


class Provider:
    """What a provider publishes, which a test may change while it is asked."""

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {}
        self.use = "sig"
        self.algorithms = {"RSA": "RS256", "EC": "ES256"}
        self.garbage: bytes | None = None
        self.requests = 0
        self.url = ""

    def body(self) -> bytes:
        """Return the JWKS."""
        self.requests += 1
        if self.garbage is not None:
            return self.garbage
        published = [self._published(kid) for kid in self.keys]
        return json.dumps({"keys": published}).encode()

    def token(self, kid: str, claims: dict[str, Any]) -> str:
        """Return a token that is signed with a key."""
        algorithm = self._published(kid)["alg"]
        return jwt.encode(claims, self.keys[kid], algorithm, headers={"kid": kid})

    def _published(self, kid: str) -> dict[str, Any]:
        key = self.keys[kid]
        if isinstance(key, rsa.RSAPrivateKey):
            public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        algorithm = self.algorithms[public["kty"]]
        return {**public, "kid": kid, "use": self.use, "alg": algorithm}


@contextmanager
def provider() -> Iterator[Provider]:
    """Serve a JWKS."""
    published = Provider()

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = published.body()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        published.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield published
        finally:
            server.shutdown()
            thread.join()
