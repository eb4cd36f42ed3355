"""Outside Lambda boto3 finds everything, and the engine sends the requests."""

import json
import logging
import os
import re
import select
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import handlers
from botocore.stub import Stubber
from moto.core.models import botocore_stubber

from tests.support.botocore_hooks import leave_boto3_alone
from tests.support.servers.recording import Answer, RecordingServer, recording_server
from wspubsub import CredentialsError, UsageError
from wspubsub.aws import ManagementApi, sdk_access
from wspubsub.dynamodb import DynamoDBSubscriptionStore
from wspubsub.dynamodb.client import choose_client
from wspubsub.fanout.queue import Queue

ROOT = Path(__file__).parents[2]
KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
RUNTIME = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}
PROFILE = "[profile other]\nregion = eu-west-3\naws_access_key_id = OTHER\n"
PROFILE += "aws_secret_access_key = secret\n"


@pytest.fixture(autouse=True)
def _fresh_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Give each test a machine without any configuration, and without moto."""
    # It says why something is left to boto3.
    caplog.set_level(logging.INFO, "wspubsub")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in (
        *KEYS,
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        *(name for name in os.environ if name.lower().endswith("_proxy")),
    ):
        monkeypatch.delenv(name, raising=False)
    leave_boto3_alone(monkeypatch)
    sdk_access._say.cache_clear()  # noqa: SLF001 - each is said once for each process


@pytest.fixture
def aws() -> Iterator[RecordingServer]:
    with recording_server() as server:
        server.answer = Answer(body=b'{"Items": []}')
        yield server


def sign_of(server: RecordingServer) -> str:
    """Return the access key and the scope that the last request was signed with."""
    found = re.search("Credential=([^,]+)", server.heads[-1]["authorization"])
    assert found is not None
    return found[1]


def is_ours(server: RecordingServer) -> bool:
    """Return whether the last request came from the engine."""
    return server.heads[-1]["user-agent"].startswith("wspubsub/")


# One table decides, and says so.

Prepare = Callable[[pytest.MonkeyPatch, Path], None]


def _set(**variables: str) -> Prepare:
    def prepare(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
        for name, value in {**KEYS, **variables}.items():
            monkeypatch.setenv(name, value)

    return prepare


def _configure_profile(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "config").write_text(PROFILE)
    monkeypatch.setenv("AWS_PROFILE", "other")


def _import_moto(monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    _set()(monkeypatch, _folder)
    # Where moto was imported before the test, this has been done already.
    handlers.BUILTIN_HANDLERS.append(("before-send", botocore_stubber))


def _take_poll_away(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    _set()(monkeypatch, folder)
    monkeypatch.delattr(select, "poll")


def _be_in_lambda(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    _set(**RUNTIME)(monkeypatch, folder)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)


CASES: dict[str, list[Prepare]] = {
    "inside Lambda, with keys in the environment": [_be_in_lambda],
    "inside Lambda with SnapStart, or with a configuration of your own": [
        _set(**RUNTIME, AWS_CONFIG_FILE="/nowhere"),
    ],
    "keys in the environment": [_set()],
    "a profile, single sign-on, a role, a process, a container, a pod, an instance": [
        _configure_profile
    ],
    "a Region of another partition": [
        _set(AWS_REGION="cn-north-1"),
        _set(AWS_REGION="us-iso-east-1"),
    ],
    "`AWS_ENDPOINT_URL`, `AWS_CA_BUNDLE`, or the same in a profile": [
        _set(AWS_ENDPOINT_URL="http://127.0.0.1:1"),
        _set(NO_PROXY="127.0.0.1"),
        _set(HTTP_PROXY="http://127.0.0.1:1"),
    ],
    "a proxy for this endpoint": [
        _set(HTTPS_PROXY="http://127.0.0.1:1"),
        _set(**RUNTIME, https_proxy="http://127.0.0.1:1"),
    ],
    "FIPS or dual-stack endpoints, without an endpoint of your own": [
        _set(AWS_USE_FIPS_ENDPOINT="true"),
        _set(AWS_USE_DUALSTACK_ENDPOINT="true"),
    ],
    "moto, or another library that answers boto3's requests, is imported": [
        _import_moto,
    ],
    "Windows": [_take_poll_away],
}


def read_table() -> dict[str, str]:
    """Return who sends the requests, by situation, as the documentation has it."""
    text = (ROOT / "docs" / "reference" / "aws.md").read_text()
    part = text.split("## Which engine sends the requests")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if "| " in line]
    return {situation: sender for situation, sender, *_ in rows[1:]}


def test_the_table_of_the_documentation_has_these_rows() -> None:
    assert list(read_table()) == list(CASES)


@pytest.mark.parametrize(
    ("situation", "prepare"),
    [
        pytest.param(name, prepare, id=f"{name} {number}")
        for name, every in CASES.items()
        for number, prepare in enumerate(every)
    ],
)
def test_whoever_the_table_says_sends_the_requests(
    situation: str, prepare: Prepare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prepare(monkeypatch, tmp_path)

    client = choose_client(None)

    is_engine = type(client).__name__ == "EngineDynamoDBClient"
    assert is_engine is (read_table()[situation] == "the engine")


def test_a_switch_of_boto3_does_not_matter_for_an_endpoint_of_your_own(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(AWS_USE_FIPS_ENDPOINT="true", AWS_ENDPOINT_URL=aws.url)(monkeypatch, Path())

    list(DynamoDBSubscriptionStore("t").subscribers("news"))
    ManagementApi(f"{aws.url}/prod").post("a=", b"x")

    assert [head["user-agent"][:9] for head in aws.heads] == ["wspubsub/"] * 2


def test_a_proxy_that_is_bypassed_does_not_matter(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="127.0.0.1")(monkeypatch, Path())

    ManagementApi(f"{aws.url}/prod").post("a=", b"x")

    assert is_ours(aws)


def test_it_is_said_once_why_boto3_sends_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _set(HTTPS_PROXY="http://127.0.0.1:1")(monkeypatch, Path())
    for _ in range(2):
        choose_client(None)

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "boto3 sends the requests to dynamodb: a proxy is configured")
    ]


def test_what_answers_another_service_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _set()(monkeypatch, Path())
    handlers.BUILTIN_HANDLERS.append(("before-send.sqs", botocore_stubber))

    assert type(choose_client(None)).__name__ == "EngineDynamoDBClient"


def test_a_client_of_your_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    _set()(monkeypatch, Path())
    client = boto3.client("dynamodb", region_name="eu-west-1")
    with Stubber(client) as stubber:
        stubber.add_response("query", {"Items": []})
        store = DynamoDBSubscriptionStore("t", client=client)
        assert list(store.subscribers("news")) == []
    client.close()


# Where, in which Region, with which certificates.


def test_region_and_endpoint_of_a_profile_count(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_REGION")
    (tmp_path / "config").write_text(f"{PROFILE}endpoint_url = {aws.url}\n")
    monkeypatch.setenv("AWS_PROFILE", "other")

    list(DynamoDBSubscriptionStore("t").subscribers("news"))

    assert sign_of(aws).startswith("OTHER/")
    assert "/eu-west-3/dynamodb/" in sign_of(aws)
    assert is_ours(aws)


def test_a_default_session_of_yours_counts(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    boto3.setup_default_session(
        aws_access_key_id="MINE", aws_secret_access_key="s", aws_session_token="token"
    )

    Queue("https://sqs.eu-central-1.amazonaws.com/1/work").send(["1"])

    assert sign_of(aws).startswith("MINE/")
    assert "/eu-central-1/sqs/" in sign_of(aws)
    assert aws.heads[-1]["x-amz-security-token"] == "token"
    assert is_ours(aws)


@pytest.mark.parametrize("how", ["environment", "default session"])
def test_certificates_that_a_profile_names_are_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    (tmp_path / "config").write_text(f"{PROFILE}ca_bundle = /no/such/file\n")
    if how == "environment":
        monkeypatch.setenv("AWS_PROFILE", "other")
    else:
        boto3.setup_default_session(profile_name="other")

    with pytest.raises(UsageError, match="/no/such/file"):
        DynamoDBSubscriptionStore("t")


# Credentials, renewed.


def make_process(folder: Path, *, seconds: float) -> str:
    """Return a credential process whose keys are numbered and soon expire."""
    program = folder / "process.py"
    program.write_text(
        "import json, pathlib, sys\n"
        "from datetime import UTC, datetime, timedelta\n"
        "count = pathlib.Path(__file__).with_name('count')\n"
        "number = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(number))\n"
        f"until = datetime.now(UTC) + timedelta(seconds={seconds})\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'KEY{number}',\n"
        "    'SecretAccessKey': 's', 'Expiration': until.isoformat()}))\n"
    )
    return f"[default]\ncredential_process = {sys.executable} {program}\n"


def test_credentials_are_renewed_before_they_expire(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # botocore renews what has less than ten minutes left.
    (tmp_path / "config").write_text(make_process(tmp_path, seconds=60))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    api = ManagementApi(f"{aws.url}/prod")

    for number in (1, 2):
        api.post("a=", b"x")
        assert sign_of(aws).startswith(f"KEY{number + 1}/")

    assert is_ours(aws)


def test_credentials_that_last_are_got_once(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(make_process(tmp_path, seconds=3600))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    store = DynamoDBSubscriptionStore("t")

    for _ in range(2):
        list(store.subscribers("news"))
        assert sign_of(aws).startswith("KEY1/")


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("runtime", [{}, RUNTIME], ids=["ECS", "SnapStart"])
def test_a_container_s_credentials_are_fetched(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch, runtime: dict[str, str]
) -> None:
    for name, value in runtime.items():
        monkeypatch.setenv(name, value)
    found: dict[str, Any] = {
        "AccessKeyId": "CONTAINER",
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": in_an_hour(),
    }
    with recording_server() as container:
        container.answer = Answer(body=json.dumps(found).encode())
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/c")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret")
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", aws.url)
        list(DynamoDBSubscriptionStore("t").subscribers("news"))

    assert sign_of(aws).startswith("CONTAINER/")
    assert is_ours(aws)


def test_a_web_identity_becomes_a_role(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("of the service account")
    answer = (
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ROLE</AccessKeyId>"
        "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{in_an_hour()}</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    )
    with recording_server() as sts:
        sts.answer = Answer(body=answer.encode())
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", aws.url)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pods")
        list(DynamoDBSubscriptionStore("t").subscribers("news"))

    assert sign_of(aws).startswith("ROLE/")
    assert is_ours(aws)


def test_without_credentials_nothing_is_sent(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    queue = Queue("https://sqs.eu-central-1.amazonaws.com/1/work")

    for call in (
        lambda: list(DynamoDBSubscriptionStore("t").subscribers("news")),
        lambda: ManagementApi(f"{aws.url}/prod").post("a=", b"x"),
        lambda: queue.send(["1"]),
    ):
        with pytest.raises(CredentialsError, match="boto3 finds none"):
            call()
    assert aws.heads == []


def test_credentials_that_cannot_be_renewed_are_an_error_of_ours(
    aws: RecordingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(make_process(tmp_path, seconds=60))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    store = DynamoDBSubscriptionStore("t")
    list(store.subscribers("news"))
    (tmp_path / "process.py").write_text("raise SystemExit('the login is over')")

    with pytest.raises(CredentialsError, match="the login is over"):
        list(store.subscribers("news"))
