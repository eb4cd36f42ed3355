"""Stands in for an identity provider, to try the authorizer out on one's own machine.

python token_issuer.py               publishes a key, and gives a token to who asks
python token_issuer.py --token NAME  prints a token with which NAME gets in

For nothing else: it gives everybody a token for everybody.
"""

import argparse
import contextlib
import json
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER, AUDIENCE, KEY_ID = "http://127.0.0.1:8099/", "chat", "only-one"
LIFETIME_SECONDS = 600


class Issuer(BaseHTTPRequestHandler):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def do_GET(self) -> None:
        if self.path == "/jwks.json":
            self.answer(json.dumps({"keys": [self.published()]}))
        elif self.path.startswith("/token/"):
            self.answer(self.token(self.path.removeprefix("/token/")))
        else:
            self.send_error(404)

    def published(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}

    def token(self, subject: str) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "exp": int(time.time()) + LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self.key, "RS256", headers={"kid": KEY_ID})

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--token", metavar="NAME", help="print a token for NAME")
    subject = parser.parse_args().token
    if subject:
        with urllib.request.urlopen(f"{ISSUER}token/{subject}") as answer:  # noqa: S310 - loopback
            print(answer.read().decode())
        return
    print(f"keys at {ISSUER}jwks.json", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        HTTPServer(("127.0.0.1", 8099), Issuer).serve_forever()


if __name__ == "__main__":
    main()
