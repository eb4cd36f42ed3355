"""What your site does when a user has signed in: gives out a token for the WebSocket.

    TOKEN_SECRET=... python sign_in.py alice

prints it. It is good for an hour, and for nothing but connecting.
"""

import hmac
import os
import sys
import time

LIFETIME_SECONDS = 60 * 60


def signed(user: str, secret: str) -> str:
    text = f"{user}.{int(time.time()) + LIFETIME_SECONDS}"
    return f"{text}.{hmac.digest(secret.encode(), text.encode(), 'sha256').hex()}"


if __name__ == "__main__":
    print(signed(sys.argv[1], os.environ["TOKEN_SECRET"]))
