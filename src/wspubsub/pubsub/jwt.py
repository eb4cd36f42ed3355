"""Tokens in Centrifugo's format: signed JSON Web Tokens (RFC 7519), verified by rules.

They need `pip install 'wspubsub[jwt]'`, and public keys `pip install cryptography` as
well. Both are imported when the first token comes, so a cold start does without.
"""

import logging
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import Any

from wspubsub.errors import Forbidden, Unauthorized, UsageError
from wspubsub.pubsub.refusals import TokenExpired
from wspubsub.pubsub.requests import ConnectRequest, SubscribeRequest
from wspubsub.pubsub.users import Subscribed, User
from wspubsub.subscriptions.sessions import check_time, check_user

log = logging.getLogger("wspubsub")

HMAC = frozenset({"HS256", "HS384", "HS512"})
PUBLIC_KEY = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"})

_MIN_SECRET_BYTES = 32
"""A secret shorter than the hash can be guessed (RFC 7518 §3.2)."""

_ADVICE = "create one with `python -c 'import secrets; print(secrets.token_hex(32))'`"

FindKey = Callable[[str], Any]
"""Returns the key that a token is signed with, such as
`lambda token: PyJWKClient(url).get_signing_key_from_jwt(token).key`."""


class Tokens:
    """Verifies connection tokens and subscription tokens.

    The claims are those of Centrifugo's pages "Client JWT authentication" and "Channel
    JWT authorization": `sub` (the user's ID), `exp`, `info` (what others see), and in a
    subscription token `channel` (the topic). Others are for the application.

    Example:
        >>> tokens = Tokens("0123456789abcdef0123456789abcdef")
        >>> tokens.verify("forged")
        Traceback (most recent call last):
            ...
        wspubsub.errors.Unauthorized: the token is not valid

    Args:
        key: A secret, which should have 32 bytes or more, a public key in PEM, or a
            function that finds the key of a token. Of a shorter secret a warning is
            logged, since Centrifugo takes any length.
        algorithms: Which signatures are accepted; `HS256` for a secret, and `RS256`
            else. Secrets and public keys never go together: whoever knows the public
            key could sign with it as a secret.
        audience: What the claim `aud` must be or hold; not looked at if None.
        issuer: What the claim `iss` must be; not looked at if None.

    Raises:
        UsageError: The key or the algorithms cannot be used.
    """

    def __init__(
        self,
        key: str | bytes | FindKey,
        *,
        algorithms: Collection[str] | None = None,
        audience: str | None = None,
        issuer: str | None = None,
    ) -> None:
        self._key = key
        self._algorithms = _check_algorithms(
            algorithms, HMAC if _is_secret(key) else PUBLIC_KEY
        )
        self._audience = audience
        self._issuer = issuer

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token.

        Raises:
            Unauthorized: It is missing, malformed, forged, or not valid yet.
            TokenExpired: It has expired.
            UsageError: The key cannot be read.
            ImportError: PyJWT is not installed.
        """
        jwt = _import_jwt()
        if not token:
            raise Unauthorized("a token is required")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._find_key(token),
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                options={"verify_aud": self._audience is not None},
            )
        except jwt.ExpiredSignatureError:
            raise TokenExpired("the token has expired") from None
        except (jwt.InvalidKeyError, jwt.PyJWKClientConnectionError) as error:
            raise UsageError(f"the key cannot be used: {error}") from error
        except (jwt.PyJWTError, ValueError, ArithmeticError, RecursionError):
            # Whoever sends a token has chosen what is in its header.
            raise Unauthorized("the token is not valid") from None
        return claims

    def user(
        self,
        request: ConnectRequest,
        *,
        subscribe: Iterable[str] = (),
        data: object = None,
    ) -> User:
        """Return the user that a connection token names, for a connect rule.

        Args:
            request: What the rule is called with.
            subscribe: As in `User`.
            data: As in `User`.

        Raises:
            Unauthorized: As `verify`; or a claim is not what it must be.
            TokenExpired: As `verify`.
            UsageError: As `verify`.
        """
        claims = self.verify(request.token)
        return User(
            _user_of(claims),
            info=claims.get("info"),
            expires_at=_expiry_of(claims),
            subscribe=subscribe,
            data=data,
        )

    def subscription(
        self, request: SubscribeRequest, data: object = None
    ) -> Subscribed:
        """Return what a subscription token allows, for a subscribe rule.

        Args:
            request: What the rule is called with.
            data: As in `Subscribed`.

        Raises:
            Unauthorized: As `verify`.
            Forbidden: The token is another user's, or for another topic.
            TokenExpired: As `verify`.
            UsageError: As `verify`.
        """
        claims = self.verify(request.token)
        if claims.get("channel") != request.topic:
            raise Forbidden("the token is for another topic")
        if _user_of(claims) != request.user:
            raise Forbidden("the token is another user's")
        return Subscribed(data, info=claims.get("info"), expires_at=_expiry_of(claims))

    def _find_key(self, token: str) -> object:
        return self._key(token) if callable(self._key) else self._key


def _user_of(claims: Mapping[str, Any]) -> str:
    try:
        return check_user(claims.get("sub", ""))
    except UsageError:
        raise Unauthorized("the claim sub must be a user's ID") from None


def _expiry_of(claims: Mapping[str, Any]) -> float | None:
    try:
        return check_time("exp", claims.get("exp"))
    except (UsageError, OverflowError):
        raise Unauthorized("the claim exp must be a number of seconds") from None


def _is_secret(key: str | bytes | FindKey) -> bool:
    """Return whether a key is a secret, not a public key or a function that finds one.

    Raises:
        UsageError: It is empty.
    """
    if callable(key):
        return False
    encoded = key.encode() if isinstance(key, str) else key
    if b"-----BEGIN" in encoded:
        return False
    if not encoded:
        raise UsageError(f"a secret must not be empty; {_ADVICE}")
    if len(encoded) < _MIN_SECRET_BYTES:
        log.warning(
            "a secret for tokens has %d bytes and can be guessed; it should have %d "
            "or more: %s",
            len(encoded),
            _MIN_SECRET_BYTES,
            _ADVICE,
        )
    return True


def _check_algorithms(
    algorithms: Collection[str] | None, allowed: frozenset[str]
) -> list[str]:
    if algorithms is None:
        return ["HS256" if allowed is HMAC else "RS256"]
    if isinstance(algorithms, str) or not algorithms or not allowed >= {*algorithms}:
        raise UsageError(
            "for such a key algorithms must be a list of "
            f"{', '.join(sorted(allowed))}, not {algorithms!r:.80}"
        )
    return list(algorithms)


def _import_jwt() -> ModuleType:
    try:
        import jwt
    except ImportError as error:
        raise ImportError(
            "the package PyJWT is not installed; run: pip install 'wspubsub[jwt]'",
            name="jwt",
        ) from error
    # PyJWT warns with each token of a short secret; `Tokens` has done so once.
    warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)
    return jwt
