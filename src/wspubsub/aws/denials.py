"""What to do about a signed request that AWS refused, in words.

One error code stands for several causes, so the text that comes with it is read too.
"""

_CLOCK = (
    "the clock of this machine is wrong; set it: AWS accepts a request only within "
    "5 minutes of its signing"
)
_SIGNATURE = (
    "the secret key does not match the access key, or a proxy changed the request "
    "in transit; check both"
)
_UNKNOWN_KEY = (
    "AWS does not recognize the access key, or the session token does not match it; "
    "use credentials that are valid for this endpoint"
)
_OTHER_POLICY = (
    "a policy other than the role's own denies it, so no statement in the role "
    "helps; change the policy that AWS names"
)
_UNSIGNED = (
    "the request arrived without its signature; check for a proxy that removes the "
    "Authorization header, and that the URL is one at which AWS accepts signed "
    "requests"
)

# The first that is found in what AWS says applies.
_ADVICE = {
    "Signature expired": _CLOCK,
    "Signature not yet current": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "scoped to a valid region": (
        "the request was signed for a Region other than the endpoint's; set "
        "AWS_REGION, or pass region="
    ),
    "ExpiredToken": "the credentials have expired; log in again, or renew them",
    "UnrecognizedClient": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidSignature": _SIGNATURE,
    "SignatureDoesNotMatch": _SIGNATURE,
    "signature we calculated does not match": _SIGNATURE,
    "MissingAuthenticationToken": _UNSIGNED,
    "Missing Authentication Token": _UNSIGNED,
    "explicit deny": _OTHER_POLICY,
    "because no VPC endpoint policy allows": _OTHER_POLICY,
    "because no permissions boundary allows": _OTHER_POLICY,
    "because no resource control policy allows": _OTHER_POLICY,
    "because no service control policy allows": _OTHER_POLICY,
    "because no session policy allows": _OTHER_POLICY,
}


def explain(text: str, otherwise: str = "") -> str:
    """Return what AWS says, preceded by what to do about it if that is known.

    Args:
        text: Error code and message, as AWS sent them.
        otherwise: What to do if the text does not say.
    """
    advice = advice_on(text) or otherwise
    return f"{advice} ({text})" if advice else text


def advice_on(text: str) -> str | None:
    """Return what to do about a refusal; None if only a permission can be missing.

    Args:
        text: Error code and message, as AWS sent them.
    """
    found = (advice for sign, advice in _ADVICE.items() if sign in text)
    return next(found, None)
