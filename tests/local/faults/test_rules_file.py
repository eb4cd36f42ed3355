"""The file of rules, and what cannot obey it."""

import io
from pathlib import Path

import pytest

from wspubsub import UsageError
from wspubsub.local.faults.rules_file import RulesFile
from wspubsub.local.faults.shaking import Shaking
from wspubsub.local.inspector.recorder import Recorder
from wspubsub.local.journal import Journal

FAULT = {"number": 1, "text": "GetItem throttled", "trace": ""}
RULE = '{"match": {"service": "dynamodb"}, "action": "%s"}'


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
    assert shaking.describe()["rules"][0]["hits"] == 1
    assert "fault: GetItem throttled" in written.getvalue()
    shaking.reread()
    path.write_text("[]\n")
    shaking.reread()
    assert shaking.describe()["rules"] == []
    assert "rules.json has changed: 0 rules" in written.getvalue()
