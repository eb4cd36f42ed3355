"""`wspubsub doctor`, against an account whose answers were recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore import handlers

from tests.support.infra_templates import EVERYTHING, made
from tests.support.live_account import REGION, Answer, LiveAccount, denied, record
from wspubsub.cli import main

HANDLER = """
from wspubsub import Router
router = Router()
@router.connect
def connect(event): ...
@router.route("shout")
def shout(event): ...
handler = router
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    return record(made(**EVERYTHING, worker="work.handler"))


@pytest.fixture
def account(
    answers: dict[str, Answer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> LiveAccount:
    """The account that the command finds."""
    found = LiveAccount(answers)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(HANDLER)
    # As moto does it.
    known = [*handlers.BUILTIN_HANDLERS, *found.list_handlers()]
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", known)
    return found


def turn_off_ttl(*_: Any) -> Answer:
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}


@pytest.mark.usefixtures("account")
def test_a_healthy_stack_has_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--stack", "chat", "--history"])

    said = capsys.readouterr()
    assert (status, said.out) == (0, "")
    assert "no problem found in eu-west-1: looked at API " in said.err


def test_a_problem_is_one_line_with_what_to_do(
    account: LiveAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.plant("DescribeTimeToLive", turn_off_ttl)

    status = main(["doctor", "--stack", "chat"])

    said = capsys.readouterr()
    assert status == 1
    assert said.out == (
        "Table: time to live is off, so lost connections stay in the table: set "
        "TimeToLiveSpecification to Enabled true, AttributeName expires_at "
        "[table-ttl]\n"
    )
    assert "1 problem found" in said.err


def test_a_rule_may_be_left_out(account: LiveAccount) -> None:
    account.plant("DescribeTimeToLive", turn_off_ttl)

    assert main(["doctor", "--stack", "chat", "--ignore", "table-ttl"]) == 0


def test_what_may_not_be_read_is_a_warning(
    account: LiveAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.plant("GetStages", lambda *_: denied("apigateway:GET"))

    assert main(["doctor", "--stack", "chat"]) == 0
    said = capsys.readouterr().err
    assert (
        "wspubsub: warning: may not look at GetStages: allow apigateway:GET to see it\n"
    ) in said


@pytest.mark.integration
@pytest.mark.usefixtures("account")
def test_routes_are_compared_with_a_handler(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["doctor", "app.py", "--stack", "chat", "--json"])

    found = json.loads(capsys.readouterr().out)
    assert status == 1
    assert found["notes"] == []
    assert found["subjects"][0].startswith("API ")
    rules = {each["rule"] for each in found["findings"]}
    assert {"route-missing", "route-unhandled", "records-untaken"} >= rules
    assert "route-missing" in rules
    assert all(
        each.keys() == {"rule", "resource", "text"} for each in found["findings"]
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "name what to look at with --stack or --api"),
        (["--stak", "chat"], "there is no option --stak; did you mean --stack?"),
        (["--stack", "chat", "--ignore", "ttl"], "invalid choice: 'ttl'"),
    ],
)
def test_a_wrong_option_is_an_error(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", *words])

    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_what_cannot_be_looked_at_is_an_error(
    account: LiveAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    account.plant("GetApi", lambda *_: denied("apigateway:GET"))

    assert main(["doctor", "--stack", "chat"]) == 2
    # On a busy machine it says before that it is still looking.
    assert capsys.readouterr().err.endswith(
        "wspubsub: error: may not look at GetApi: allow apigateway:GET to see it\n"
    )


@pytest.mark.parametrize(
    ("words", "variable", "complaint"),
    [
        (["--region", "no such"], None, "'no such' doesn't match a supported format"),
        (["--profile", "nobody"], None, "profile (nobody) could not be found"),
        ([], "nowhere", "Invalid endpoint: nowhere"),
    ],
)
@pytest.mark.usefixtures("account")
def test_settings_of_aws_that_are_wrong_are_an_error(
    words: list[str],
    variable: str | None,
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", variable)

    assert main(["doctor", "--stack", "chat", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_terminal_gets_lines_that_fit(
    account: LiveAccount,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account.plant("DescribeTimeToLive", turn_off_ttl)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    main(["doctor", "--stack", "chat"])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])
