from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ProfileNotFound

from wspubsub.aws.choice import is_engine_fit
from wspubsub.handlers.environ import Surroundings, function_environ
from wspubsub.handlers.target import Target

AROUND = Surroundings(
    region="eu-west-1",
    management_url="https://127.0.0.1:3001/dev",
    dynamodb_url="http://127.0.0.1:4566",
    is_embedded=True,
    table="chat",
)
TARGET = Target(
    text="app.py:handler",
    handler="app.handler",
    task_root=Path("/app"),
    search_path=(Path("/app"), Path("/")),
    source_folders=(Path("/app"), Path("/")),
)
BASE = {
    "AWS_ACCESS_KEY_ID": "mine",
    "AWS_SECRET_ACCESS_KEY": "mine too",
    "AWS_SESSION_TOKEN": "and mine",
    "AWS_PROFILE": "production",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "PYTHONPATH": "/lib",
    "TABLE_NAME": "of the user's own",
}


def test_with_the_embedded_dynamodb_no_real_credentials_are_at_hand() -> None:
    environ = function_environ(BASE, AROUND, name="f", target=TARGET)

    assert environ["AWS_ACCESS_KEY_ID"] == environ["AWS_SECRET_ACCESS_KEY"] == "local"
    assert not environ.keys() & {"AWS_SESSION_TOKEN", "AWS_PROFILE"}


def test_with_another_one_the_users_credentials_stay() -> None:
    around = replace(AROUND, is_embedded=False, ca_bundle=Path("/bundle.pem"))

    environ = function_environ(BASE, around, name="f", target=TARGET)

    assert environ["AWS_PROFILE"] == "production"
    assert environ["AWS_SESSION_TOKEN"] == "and mine"
    assert environ["AWS_CA_BUNDLE"] == "/bundle.pem"


def test_sdks_are_led_to_what_is_local_and_past_proxies() -> None:
    environ = function_environ(
        {**BASE, "no_proxy": "intranet"}, AROUND, name="f", target=TARGET
    )

    assert environ["AWS_ENDPOINT_URL_DYNAMODB"] == AROUND.dynamodb_url
    assert environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] == AROUND.management_url
    assert environ["AWS_REGION"] == environ["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert environ["no_proxy"] == environ["NO_PROXY"]
    assert environ["no_proxy"].split(",")[:2] == ["intranet", "127.0.0.1"]


@pytest.mark.parametrize(
    "line", ["ignore_configured_endpoint_urls = true", "use_fips_endpoint = true"]
)
def test_no_line_of_a_configuration_file_leads_past_what_is_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[default]\n{line}\n")
    environ = function_environ(BASE, AROUND, name="f", target=TARGET)
    for name, value in {**environ, "AWS_CONFIG_FILE": str(config)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    client = boto3.session.Session().client("dynamodb")

    assert client.meta.endpoint_url == AROUND.dynamodb_url
    client.close()


@pytest.mark.parametrize("service", ["dynamodb", "sts"])
@pytest.mark.parametrize("is_ignored", ["true", "false"])
def test_nothing_reaches_aws_whatever_the_users_configuration_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, is_ignored: str
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[default]\nendpoint_url = https://proxy.example\nservices = mine\n"
        f"ignore_configured_endpoint_urls = {is_ignored}\n"
        f"[services mine]\n{service} =\n  endpoint_url = https://{service}.example\n"
        "[profile production]\nrole_arn = arn:aws:iam::123456789012:role/r\n"
    )
    base = {
        **BASE,
        "AWS_CONFIG_FILE": str(config),
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": is_ignored,
    }
    environ = function_environ(base, AROUND, name="f", target=TARGET)
    for name in set(base) - set(environ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    client = boto3.session.Session().client(service)

    assert client.meta.endpoint_url.startswith("http://127.0.0.1:")
    with pytest.raises(ProfileNotFound):
        boto3.session.Session(profile_name="production").client(service)
    client.close()


def test_an_endpoint_of_the_users_own_stays() -> None:
    base = {**BASE, "AWS_ENDPOINT_URL": "http://localhost:4566"}

    environ = function_environ(base, AROUND, name="f", target=TARGET)

    assert environ["AWS_ENDPOINT_URL"] == "http://localhost:4566"


def test_a_worker_s_requests_are_sent_by_the_engine_as_on_lambda() -> None:
    environ = function_environ(BASE, AROUND, name="f", target=TARGET)

    assert is_engine_fit({**environ, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"})


def test_text_is_utf_8_whatever_the_terminal_s_encoding_is() -> None:
    terminal = {"LANG": "C", "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}

    environ = function_environ({**BASE, **terminal}, AROUND, name="f", target=TARGET)

    assert environ["LANG"] == "en_US.UTF-8"
    assert environ["PYTHONIOENCODING"] == "utf-8"
    assert environ["PYTHONUTF8"] == "1"


def test_a_function_is_told_how_much_memory_it_has() -> None:
    environ = function_environ(BASE, AROUND, name="f", target=TARGET, memory_mb=256)

    assert environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"


def test_modules_are_found_in_the_project_before_anywhere_else() -> None:
    environ = function_environ(BASE, AROUND, name="f", target=TARGET)

    assert environ["PYTHONPATH"] == "/app:/:/lib"
    assert environ["TABLE_NAME"] == "of the user's own"


def test_a_queue_is_found_where_there_is_one() -> None:
    around = replace(
        AROUND,
        queue_url="http://127.0.0.1:4567/1/wspubsub",
        queue_endpoint="http://127.0.0.1:4567",
    )

    with_queue = function_environ(BASE, around, name="f", target=TARGET)
    without = function_environ(BASE, AROUND, name="f", target=TARGET)

    assert with_queue["WSPUBSUB_QUEUE"] == "http://127.0.0.1:4567/1/wspubsub"
    assert with_queue["AWS_ENDPOINT_URL_SQS"] == "http://127.0.0.1:4567"
    assert not {"WSPUBSUB_QUEUE", "AWS_ENDPOINT_URL_SQS"} & without.keys()
    assert without["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] == "http://127.0.0.1:4566"
