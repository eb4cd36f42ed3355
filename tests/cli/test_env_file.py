"""The file of environment variables that `--env-file` names."""

import json
from pathlib import Path

import pytest

from tests.support.servers.gateways import CREDENTIALS, DevGateway, dev
from wspubsub import UsageError
from wspubsub.cli.env_file import read_env_file

HANDLER = """
import os

SAID = os.environ["GREETING"]  # without it, the module cannot be imported


def handler(event, context):
    return {"statusCode": 200, "body": f"{SAID} {os.environ['NAME']}"}
"""


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("A = b c # said so", "b c"),
        ("A=b#c", "b#c"),
        ("A=", ""),
        ("A= # to be set", ""),
        ("A=#b", "#b"),
        ("A=''", ""),
        ('A="b # c"', "b # c"),
        ('A="b\\n\\"c\\""', 'b\n"c"'),
        (r"A='b\n' # as it stands", r"b\n"),
        ("A=https://host/path?x=1", "https://host/path?x=1"),
        ("\ufeffA=b", "b"),
    ],
)
def test_a_line_is_a_variable(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{line}\n\n# a comment\n", encoding="utf-8")

    assert read_env_file(file) == {"A": value}


@pytest.mark.parametrize("line", ["A", "=b", "1A=b", 'A="b', "A='b", "A-B=c", "A=\0"])
def test_a_line_that_is_none_is_refused_with_its_number(
    tmp_path: Path, line: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"B=c\n{line}\n")

    with pytest.raises(UsageError, match=r"line 2 of .*NAME=VALUE"):
        read_env_file(file)


@pytest.mark.integration
@pytest.mark.slow
def test_a_handler_finds_the_variables_unless_they_are_set_already(
    chat: DevGateway, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    (tmp_path / "own.env").write_text("GREETING=hello\nNAME=file\n")

    with (
        dev(
            "app.py",
            *("--env-file", "own.env", "--two-way"),
            *("--dynamodb", chat.dynamodb_url, "--stage-variable", "color=a=b"),
            cwd=tmp_path,
            environ={**CREDENTIALS, "NAME": "shell"},
        ) as gateway,
        gateway.client() as client,
    ):
        client.send(json.dumps({}))

        assert client.recv(20) == "hello shell"
