"""An account in which a template is deployed, and in which faults can be planted.

moto deploys the template once, and what it says is kept. What it does not know, or says
otherwise than AWS, is put right here, after botocore's descriptions of AWS's answers.
"""

import copy
import io
import json
import zipfile
from ast import literal_eval
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.validate import ParamValidator
from moto import mock_aws

from tests.support import moto_websocket
from tests.support.infra_templates import Template
from wspubsub.deployment.live import Account, Scope, Survey

REGION = "eu-west-1"
STACK = "chat"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
Answer = dict[str, Any]


QUOTAS = {
    ("lambda", "L-B99A9384"): 1000.0,
    ("apigateway", "L-8A5B8E43"): 10_000.0,
    ("apigateway", "L-9ED1E49A"): 500.0,
}


class Refusal(NamedTuple):
    """What AWS answers instead."""

    code: str
    message: str = "no"


def denied(action: str) -> Refusal:
    """Return how AWS refuses an action."""
    return Refusal(
        "AccessDeniedException",
        f"User: arn:aws:iam::123456789012:user/x is not authorized to perform: {action}"
        " on resource: * because no identity-based policy allows it",
    )


Plant = Callable[[dict[str, Any], Answer], Answer | Refusal | None]
"""Changes the answer to an operation, or returns another one, given what was asked."""


def _allow(asked: dict[str, Any], _: Answer) -> Answer:
    return {
        "EvaluationResults": [
            {
                "EvalActionName": each,
                "EvalResourceName": asked["ResourceArns"][0],
                "EvalDecision": "allowed",
            }
            for each in asked["ActionNames"]
        ],
        "IsTruncated": False,
    }


def _quota(asked: dict[str, Any], _: Answer) -> Answer:
    value = QUOTAS[asked["ServiceCode"], asked["QuotaCode"]]
    return {"Quota": {"QuotaName": asked["QuotaCode"], "Value": value}}


def _describe_key(asked: dict[str, Any], _: Answer) -> Answer:
    # moto takes all keys for keys of one's own.
    found = {"KeyId": "k", "Arn": asked["KeyId"], "KeyManager": "AWS"}
    return {"KeyMetadata": found}


# What moto does not have, as it is where nothing is wrong.
_HEALTHY: dict[str, Plant] = {
    "DescribeKey": _describe_key,
    "DescribeTimeToLive": lambda *_: {
        "TimeToLiveDescription": {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": "expires_at",
        }
    },
    "GetAWSDefaultServiceQuota": _quota,
    "GetAuthorizers": lambda *_: {"Items": []},
    "GetDeployments": lambda *_: {"Items": []},
    "GetFunctionRecursionConfig": lambda *_: {"RecursiveLoop": "Allow"},
    "GetResourcePolicy": lambda *_: Refusal("PolicyNotFoundException"),
    "GetRouteResponses": lambda *_: {"Items": [{"RouteResponseKey": "$default"}]},
    "GetServiceQuota": _quota,
    "SimulatePrincipalPolicy": _allow,
}


class _Session(boto3.Session):  # type: ignore[misc] # boto3 has no types
    """One session for all accounts, since clients take long to be made."""

    account: "LiveAccount"

    def __init__(self) -> None:
        super().__init__("testing", "testing", region_name=REGION)
        self._clients: dict[str, Any] = {}
        for number, (event, _) in enumerate(LiveAccount().list_handlers()):
            self.events.register(event, partial(self._pass_on, number))

    def client(self, service: str, **options: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = super().client(service, **options)
        return self._clients[service]

    def _pass_on(self, number: int, **event: Any) -> object:
        return self.account.list_handlers()[number][1](**event)


@cache
def _find_session() -> _Session:
    return _Session()


class LiveAccount:
    """An account, as its answers to what was asked of it.

    Args:
        answers: The answers by operation and parameters; others come from boto3.
    """

    def __init__(self, answers: dict[str, Answer] | None = None) -> None:
        self.answers = {} if answers is None else answers
        self._is_recording = answers is None
        self._plants: dict[str, list[Plant]] = {}

    def plant(self, operation: str, change: Plant) -> None:
        """Change the answers to an operation, such as `GetRoutes`."""
        self._plants.setdefault(operation, []).append(change)

    def survey(self, **scope: Any) -> tuple[Survey, Account]:
        """Look at it."""
        account = Account(session=self._make_session())
        return Survey(account, Scope(**(scope or {"stack": STACK}))), account

    def list_handlers(self) -> list[tuple[str, Callable[..., object]]]:
        """Return what has botocore ask it instead of AWS."""
        return [
            ("before-parameter-build", self._remember),
            ("before-call", self._answer),
            ("after-call", self._record),
        ]

    def _make_session(self) -> boto3.Session:
        session = _find_session()
        session.account = self
        return session

    def _remember(self, params: Answer, context: dict[str, Any], **_: object) -> None:
        context["asked"] = copy.deepcopy(params)

    def _answer(
        self, model: Any, context: dict[str, Any], **_: object
    ) -> tuple[AWSResponse, Answer] | None:
        asked = context["asked"]
        key = _key(model, asked)
        plants = [
            *([_HEALTHY[model.name]] if model.name in _HEALTHY else []),
            *self._plants.get(model.name, []),
        ]
        if self._is_recording and not plants:
            return None
        answer: Answer | Refusal = copy.deepcopy(self.answers.get(key, {}))
        for each in plants:
            changed = each(asked, answer if isinstance(answer, dict) else {})
            answer = answer if changed is None else changed
        if not isinstance(answer, dict):
            error = {"Code": answer.code, "Message": answer.message}
            return _respond(400), {"Error": error, "ResponseMetadata": {}}
        if key not in self.answers and not plants:
            raise AssertionError(f"nobody knows what AWS answers to {key}")
        if self._plants.keys() & {model.name} or model.name in _HEALTHY:
            _validate(model, answer)
        return _respond(400 if "Error" in answer else 200), answer

    def _record(
        self, model: Any, parsed: Answer, context: dict[str, Any], **_: object
    ) -> None:
        if self._is_recording:
            self.answers[_key(model, context["asked"])] = copy.deepcopy(parsed)


def _validate(model: Any, answer: Answer) -> None:
    """Check that what an answer has is what botocore knows of AWS's answers."""
    kept = {k: v for k, v in answer.items() if k not in {"Error", "ResponseMetadata"}}
    report = ParamValidator().validate(_drop_none(kept), model.output_shape)
    wrong = [
        line
        for line in report.generate_report().splitlines()
        # moto counts from 0 what AWS counts from 1.
        if not line.startswith("Missing required") and "min value" not in line
    ]
    wrong += _list_strange(_drop_none(kept), model.output_shape)
    assert not wrong, (model.name, wrong)


def _list_strange(value: Any, shape: Any) -> Iterator[str]:
    """Yield the texts that are not among those that AWS has at their place."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            yield from _list_strange(inner, shape.members[key])
    elif shape.type_name == "list":
        for inner in value:
            yield from _list_strange(inner, shape.member)
    elif shape.type_name == "string" and not _is_possible(value, shape.enum):
        yield f"{value} is not one of {shape.enum}"


def _is_possible(text: str, choices: list[str]) -> bool:
    # EC2 writes them in small letters, whatever its model says.
    return not choices or text.lower() in {each.lower() for each in choices}


def _drop_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _drop_none(v) for k, v in value.items() if v is not None}
    return [_drop_none(each) for each in value] if isinstance(value, list) else value


def _respond(status: int) -> AWSResponse:
    return AWSResponse("https://aws", status, {}, io.BytesIO())


def _key(model: Any, asked: dict[str, Any]) -> str:
    return f"{model.service_model.service_name}.{model.name} {json.dumps(asked)}"


@contextmanager
def deploy(template: Template) -> Iterator[None]:
    """Deploy a template to moto, in this process."""
    moto_websocket.install()
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        _upload_code()
        boto3.client("cloudformation").create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": "CodeS3Bucket", "ParameterValue": "code"},
                {"ParameterKey": "CodeS3Key", "ParameterValue": "app.zip"},
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        yield


def _upload_code() -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "handler = print")
    s3 = boto3.client("s3")
    s3.create_bucket(
        Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    s3.put_object(Bucket="code", Key="app.zip", Body=code.getvalue())


def record(template: Template) -> dict[str, Answer]:
    """Return what AWS answers to a survey of a deployed template."""
    recording = LiveAccount()
    with deploy(template):
        survey, _ = recording.survey()
        survey.examine()
    for key, answer in recording.answers.items():
        if "GetRolePolicy " in key:
            # moto has it as Python writes it, AWS as JSON.
            document = literal_eval(answer["PolicyDocument"])
            answer["PolicyDocument"] = json.dumps(document)
    return recording.answers
