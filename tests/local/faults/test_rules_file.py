"""The file of rules, and what cannot obey it."""

import io
from pathlib import Path

import pytest

from wspubsub import UsageError
from wspubsub.local.faults.rules_file import RulesFile
from wspubsub.local.faults.shaking import Shaking
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal

RULE = '{"match": {"service": "dynamodb"}, "action": "%s"}'
THROTTLE = {"match": {"service": "dynamodb"}, "action": "throttle", "times": None}
FAULT = {
    "number": 1,
    "rule": {**THROTTLE, "code": "ProvisionedThroughputExceededException"},
    "text": "GetItem throttled",
    "trace": "",
}


def test_what_cannot_be_read_is_said_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    with pytest.raises(UsageError, match=r"cannot read .*rules.json: No such file"):
        RulesFile(path).read()
    path.write_text("{")
    with pytest.raises(UsageError, match=r"rules.json is not JSON"):
        RulesFile(path).read()
    path.write_text(f"[{RULE % 'trottle'}]")
    with pytest.raises(UsageError, match=r"rules.json: rule 1: .*throttle\?"):
        RulesFile(path).read()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON: .*utf-8"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"null", "rules must be a list"),
        (b"[NaN]", "rule 1 must be an object, not nan"),
        (b'[{"action": "gone", "action": "fail"}]', "the key 'action' is there twice"),
    ],
)
def test_a_file_with_something_else_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(content)

    with pytest.raises(UsageError, match=rf"rules\.json.* {complaint}"):
        RulesFile(path).read()


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*: Is a directory"):
        RulesFile(tmp_path).read()


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(f"[{RULE % 'throttle'}]", encoding="utf-8-sig")

    assert len(RulesFile(path).read()) == 1


def test_a_file_has_changed_when_it_is_another_one_or_gone(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text("[]")
    file = RulesFile(path)
    file.read()
    assert not file.has_changed()
    path.unlink()
    assert file.has_changed()


def test_rules_for_a_dynamodb_elsewhere_have_no_effect_and_that_is_said(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rules.json"
    path.write_text(f"[{RULE % 'throttle'}]")
    written = io.StringIO()
    shaking = Shaking(Journal(written), Recorder(), path)

    shaking.connect(None)

    assert "rules for dynamodb have no effect" in written.getvalue()
    assert shaking.describe()["file"] == str(path)
    shaking.take_message({"fault": FAULT})
    shaking.take_message({"call": {}})
    # What the DynamoDB found before it had these rules.
    shaking.take_message({"fault": {**FAULT, "number": 2}})
    shaking.take_message({"fault": {**FAULT, "rule": {}}})
    assert shaking.describe()["rules"][0]["hits"] == 1
    assert "fault: GetItem throttled" in written.getvalue()
    shaking.reread()
    path.write_text("[]\n")
    shaking.reread()
    assert shaking.describe()["rules"] == []
    assert "rules.json has changed: 0 rules" in written.getvalue()
