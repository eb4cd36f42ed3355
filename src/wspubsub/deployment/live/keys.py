"""KMS keys of one's own that live tables and queues are encrypted with."""

import json

from wspubsub.deployment.description.grants import Grants
from wspubsub.deployment.description.parts import Key
from wspubsub.deployment.description.unknown import UNKNOWN
from wspubsub.deployment.live.account import Account
from wspubsub.deployment.live.stack import Stack as Resources
from wspubsub.deployment.reading.identities import KEY
from wspubsub.deployment.reading.stack import Stack
from wspubsub.deployment.reading.storage import read_key_policy
from wspubsub.deployment.reading.values import Values

_AWS_OWN = "alias/aws/"
# "AWS managed keys": everybody in the account may use them through their service.
_CUSTOMER = "CUSTOMER"
# A policy has no intrinsic functions by now.
_VALUES = Values(Stack({}, {}, is_open=False))


def read_key(account: Account, resources: Resources, name: str | None) -> Key | None:
    """Return a key of one's own.

    Args:
        account: Where it is.
        resources: The stack that names it.
        name: Its ARN, ID or alias; None without a key.

    Returns:
        The key; None for one of AWS's, and if it may not be read.
    """
    if name is None or name.startswith(_AWS_OWN):
        return None
    answer = account.ask("kms", "describe_key", KeyId=name)
    if answer is UNKNOWN or answer is None:
        return None
    found = answer["KeyMetadata"]
    if found.get("KeyManager") != _CUSTOMER:
        return None
    own = resources.name(KEY, found["KeyId"])
    return Key(name=own, arn=found["Arn"], policy=_read_policy(account, found, own))


def _read_policy(account: Account, found: dict[str, str], name: str) -> Grants:
    # "GetKeyPolicy": every key has one policy, which is called default.
    answer = account.ask(
        "kms", "get_key_policy", KeyId=found["KeyId"], PolicyName="default"
    )
    if answer is UNKNOWN or answer is None:
        return Grants(role=name, statements=(), is_complete=False)
    return read_key_policy(_VALUES, name, json.loads(answer["Policy"]))
