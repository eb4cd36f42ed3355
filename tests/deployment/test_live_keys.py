"""KMS keys of one's own: who works with a table or a queue has to use its key too."""

import json
from typing import Any

import pytest

from tests.deployment.test_live import change_attributes, change_table, decide
from tests.support.infra_templates import APPLICATION, EVERYTHING, made
from tests.support.live_account import (
    Answer,
    LiveAccount,
    Plant,
    Refusal,
    denied,
    record,
)

pytestmark = pytest.mark.slow

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-west-1:123456789012:key/{ID}"
ENCRYPTED = change_table(
    SSEDescription={"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": ARN}
)
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    return record(made(**EVERYTHING, worker="work.handler"))


def own_key(*principals: object) -> dict[str, Plant]:
    """The key is one's own, and its policy allows these to use it."""
    statements = [
        {"Effect": "Allow", "Principal": each, "Action": "kms:*", "Resource": "*"}
        for each in principals
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    metadata = {"KeyId": ID, "Arn": ARN, "KeyManager": "CUSTOMER"}
    return {
        "DescribeKey": lambda *_: {"KeyMetadata": metadata},
        "GetKeyPolicy": lambda *_: {"Policy": policy},
    }


def judge(answers: dict[str, Answer], **plants: Plant) -> tuple[list[str], list[str]]:
    """Return what is found, and the notes."""
    account = LiveAccount(answers)
    for operation, changed in plants.items():
        account.plant(operation, changed)
    survey, notes = account.survey()
    found = survey.examine(APPLICATION, uses={"history"})
    return [str(each) for each in found], list(notes.notes)


@pytest.mark.parametrize(
    "principal", [ACCOUNT, {"AWS": "123456789012"}, {"Service": "sns.amazonaws.com"}]
)
def test_a_function_that_may_not_use_the_key_of_its_table_is_found(
    answers: dict[str, Answer], principal: object
) -> None:
    lines, notes = judge(
        answers,
        DescribeTable=ENCRYPTED,
        SimulatePrincipalPolicy=decide("-FunctionRole-", "kms:Decrypt"),
        **own_key(principal),
    )

    (line,) = lines
    assert line.startswith(
        f"FunctionRole: does not allow kms:Decrypt on {ID}, the key of Table for Func"
    )
    assert line.endswith("[key]")
    assert notes == []


@pytest.mark.parametrize(
    ("role", "action", "start"),
    [
        (
            "-FunctionRole-",
            "kms:GenerateDataKey",
            f"FunctionRole: does not allow kms:GenerateDataKey on {ID}, the key of Que",
        ),
        (
            "-WorkerRole-",
            "kms:Decrypt",
            f"WorkerRole: does not allow kms:Decrypt on {ID}, the key of what",
        ),
    ],
)
@pytest.mark.parametrize("name", [ID, ARN, "alias/own"])
def test_a_function_that_may_not_use_the_key_of_its_queue_is_found(
    answers: dict[str, Answer], role: str, action: str, start: str, name: str
) -> None:
    def encrypt(asked: Answer, answer: Answer) -> Answer:
        is_own = "-Queue-" in asked["QueueUrl"]
        changed = change_attributes(KmsMasterKeyId=name)(asked, answer)
        assert isinstance(changed, dict)
        return changed if is_own else answer

    lines, notes = judge(
        answers,
        GetQueueAttributes=encrypt,
        SimulatePrincipalPolicy=decide(role, action),
        **own_key(ACCOUNT),
    )

    (line,) = lines
    assert line.startswith(start)
    assert notes == []


def allow_through_dynamodb(_: Answer, answer: Answer) -> Answer:
    document = json.loads(answer["PolicyDocument"])
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": ARN,
            "Condition": {"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}},
        }
    )
    return {**answer, "PolicyDocument": json.dumps(document)}


HARMLESS: dict[str, dict[str, Any]] = {
    "one's own, allowed": own_key(ACCOUNT),
    "one's own, whose policy allows a role": {
        **own_key(ACCOUNT, {"AWS": "arn:aws:iam::123456789012:role/x"}),
        "SimulatePrincipalPolicy": decide("Role", "kms:Decrypt"),
    },
    "one's own, used through the service only": {
        **own_key(ACCOUNT),
        "GetRolePolicy": allow_through_dynamodb,
        "SimulatePrincipalPolicy": decide(
            "Role", "kms:Decrypt", MissingContextValues=["kms:ViaService"]
        ),
    },
    "AWS's": {"SimulatePrincipalPolicy": decide("Role", "kms:Decrypt")},
    "one that is not there": {
        "DescribeKey": lambda *_: Refusal("NotFoundException"),
        "SimulatePrincipalPolicy": decide("Role", "kms:Decrypt"),
    },
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_key_that_may_be_used_is_not_found(
    answers: dict[str, Answer], name: str
) -> None:
    assert judge(answers, DescribeTable=ENCRYPTED, **HARMLESS[name]) == ([], [])


def test_aws_own_key_of_a_queue_is_not_asked_for(answers: dict[str, Answer]) -> None:
    assert judge(
        answers,
        GetQueueAttributes=change_attributes(KmsMasterKeyId="alias/aws/sqs"),
        DescribeKey=lambda *_: denied("kms:DescribeKey"),
        SimulatePrincipalPolicy=decide("Role", "kms:GenerateDataKey"),
    ) == ([], [])


@pytest.mark.parametrize("operation", ["DescribeKey", "GetKeyPolicy"])
def test_a_key_that_may_not_be_looked_at_is_not_judged_but_said(
    answers: dict[str, Answer], operation: str
) -> None:
    refused = {operation: lambda *_: denied(f"kms:{operation}")}
    plants = {
        **own_key(ACCOUNT),
        "DescribeTable": ENCRYPTED,
        "SimulatePrincipalPolicy": decide("Role", "kms:Decrypt"),
        **refused,
    }

    lines, notes = judge(answers, **plants)

    assert lines == []
    assert notes == [f"may not look at {operation}: allow kms:{operation} to see it"]
