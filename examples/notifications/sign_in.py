"""What your site does when somebody has signed in: gives out a token.

    TOKEN_SECRET=... python sign_in.py alice

prints one for the user `alice`. It is good for an hour.
"""

import os
import sys
import time

import jwt

LIFETIME_SECONDS = 60 * 60


def make_token(user: str, secret: str) -> str:
    claims = {"sub": user, "exp": int(time.time()) + LIFETIME_SECONDS}
    return jwt.encode(claims, secret, algorithm="HS256")


if __name__ == "__main__":
    print(make_token(sys.argv[1], os.environ["TOKEN_SECRET"]))
