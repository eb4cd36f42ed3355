"""What your site does when somebody has signed in: gives out a token.

    ROOMS_SECRET=... python sign_in.py alice Alice

prints one for the user `alice`, whom others see as "Alice". It is good for an hour.
"""

import os
import sys
import time

import jwt

LIFETIME_SECONDS = 60 * 60


def make_token(user: str, name: str, secret: str) -> str:
    expires_at = int(time.time()) + LIFETIME_SECONDS
    claims = {"sub": user, "exp": expires_at, "info": {"name": name}}
    return jwt.encode(claims, secret, algorithm="HS256")


if __name__ == "__main__":
    print(make_token(sys.argv[1], sys.argv[2], os.environ["ROOMS_SECRET"]))
