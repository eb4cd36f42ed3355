"""Templates as text."""

import json
import subprocess
import sys

import pytest
import yaml

from tests.support.infra_templates import EVERYTHING, found, made
from wspubsub import UsageError
from wspubsub.deployment.documents import read_template, to_json, to_yaml

SHORT_FORMS = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Name: !Sub "${AWS::StackName}-api"
      Table: !Ref Table
      Arn: !GetAtt Table.Arn
      Stream: !GetAtt [Table, StreamArn]
      Joined: !Join ["/", [integrations, !Ref Integration]]
      Mapped: !Sub
        - ${Name}/x
        - Name: !Ref Name
      Included: !Transform {Name: AWS::Include}
"""


@pytest.mark.parametrize("write", [to_yaml, to_json])
def test_what_is_written_is_read_back(write: object) -> None:
    template = made(**EVERYTHING)
    assert callable(write)

    assert read_template(write(template), "t") == template


def test_yaml_is_written_for_people() -> None:
    text = to_yaml(made(**EVERYTHING))

    assert "Fn::Sub: ${AWS::StackName}\n" in text
    assert not any(mark in text for mark in ("&id", "*id", "!!"))
    assert yaml.safe_load(text)["AWSTemplateFormatVersion"] == "2010-09-09"


def test_short_forms_are_read_as_the_long_ones() -> None:
    template = read_template(SHORT_FORMS, "t")

    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert template["Resources"]["Api"]["Properties"] == {
        "Name": {"Fn::Sub": "${AWS::StackName}-api"},
        "Table": {"Ref": "Table"},
        "Arn": {"Fn::GetAtt": ["Table", "Arn"]},
        "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "Joined": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
        "Included": {"Fn::Transform": {"Name": "AWS::Include"}},
        "Mapped": {"Fn::Sub": ["${Name}/x", {"Name": {"Ref": "Name"}}]},
    }


def test_a_template_in_short_forms_gives_no_finding() -> None:
    template = made()
    text = to_yaml(template)
    short = text.replace("Fn::Sub: $", "Fn::Sub: $").replace(
        "      ApiId:\n        Ref: Api\n", "      ApiId: !Ref Api\n"
    )
    assert short != text

    assert found(read_template(short, "t")) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "t is not a CloudFormation or SAM template: it has no Resources"),
        ("[1, 2]", "it has no Resources"),
        ("{}", "it has no Resources"),
        (json.dumps({"Resources": {"A": {}}}), "it has no Resources"),
        ("a: [", "t is neither YAML nor JSON"),
        ("a: !!python/object:os.system {}", "t is neither YAML nor JSON"),
        ("a: {b: 1, b: 2}", "the mapping at line 1 has ['b'] twice"),
        ("{" * 1200, "t is neither YAML nor JSON"),
    ],
)
def test_what_is_no_template_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_template(text, "t")

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_pyyaml_json_still_works() -> None:
    code = (
        "import sys; sys.modules['yaml'] = None\n"
        "from wspubsub.deployment.documents import read_template, to_yaml\n"
        'print(read_template(\'{"Resources": {}}\', "t"))\n'
        "try: to_yaml({})\n"
        "except ImportError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "{'Resources': {}}",
        "the package PyYAML is not installed; run: pip install 'wspubsub[infra]'",
    ]
