"""Stands in for an identity provider, to try the authorizer out on one's own machine.

python token_issuer.py               publishes a key, and gives a token to who asks
python token_issuer.py --token NAME  prints a token with which NAME gets in

For nothing else: it gives everybody a token for everybody.
"""

import argparse
import contextlib
import json
import secrets
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER, AUDIENCE = "http://127.0.0.1:8099/", "chat"
LIFETIME_SECONDS = 600


class Issuer(BaseHTTPRequestHandler):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    # Another one each time: who keeps the key of the last time learns that it is over.
    key_id = secrets.token_hex(4)

    def do_GET(self) -> None:
        if self.path == "/jwks.json":
            self.answer(json.dumps({"keys": [self.published()]}))
        elif self.path.startswith("/token/"):
            subject = urllib.parse.unquote(self.path.removeprefix("/token/"))
            self.answer(self.token(subject))
        else:
            self.send_error(404)

    def published(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}

    def token(self, subject: str) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": int(time.time()) + LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self.key, "RS256", headers={"kid": self.key_id})

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--token", metavar="NAME", help="print a token for NAME")
    subject = parser.parse_args().token
    if subject:
        url = f"{ISSUER}token/{urllib.parse.quote(subject, safe='')}"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - loopback
            print(answer.read().decode())
        return
    print(f"keys at {ISSUER}jwks.json", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        ThreadingHTTPServer(("127.0.0.1", 8099), Issuer).serve_forever()


if __name__ == "__main__":
    main()
