"""The Lambda authorizer: whose device it is that connects, by the token it brings.

The token is `user.expiry.signature`, as sign_in.py makes it, in the query string.
"""

import hmac
import os
import time
from typing import Any


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    user = verified_user(event["queryStringParameters"]["token"])
    if user is None:
        raise Exception("Unauthorized")  # noqa: TRY002 - exactly this makes it a 401
    allowed = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": event["methodArn"],
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    return {"principalId": user, "policyDocument": policy}


def verified_user(token: str) -> str | None:
    # From the right: a user's name may have dots.
    text, _, signature = token.rpartition(".")
    secret = os.environ["TOKEN_SECRET"].encode()
    expected = hmac.digest(secret, text.encode(), "sha256").hex()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return None
    user, _, expires_at = text.rpartition(".")
    return user if time.time() < int(expires_at) else None
