"""Templates as text."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, strategies as st

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


class StrictLoader(yaml.SafeLoader):
    """Reads as data whatever YAML 1.1 or the core schema of 1.2 reads as data."""


StrictLoader.yaml_implicit_resolvers = {}
for kind, pattern in {
    # https://yaml.org/type: bool, null, int, float, timestamp, merge, value
    "bool": r"y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE"
    r"|on|On|ON|off|Off|OFF",
    "null": r"~|null|Null|NULL|",
    "int": r"[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+"
    r"|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+"
    # YAML 1.2, and readers that take any digits for a number
    r"|0o[0-7]+|[-+]?[0-9]+",
    "float": r"[-+]?([0-9][0-9_]*)?\.[0-9.]*([eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
    "timestamp": r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?"
    r"([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?",
    "merge": "<<",
    "value": "=",
}.items():
    StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{pattern})$"), None
    )


def tags(text: str) -> set[str]:
    """Return what a strict reader takes the scalars of a document for."""
    nodes = [yaml.compose(text, Loader=StrictLoader)]
    found: set[str] = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.ScalarNode):
            found.add(node.tag.rpartition(":")[2])
        elif isinstance(node, yaml.CollectionNode):
            nodes += [
                each
                for item in node.value
                for each in (item if isinstance(item, tuple) else (item,))
            ]
    return found


NUMBERLIKE = st.from_regex(
    r"[-+]?[0-9._:eExXoObBT+-]{1,12}|[-+]?\.?(inf|nan|[0-9]+)", fullmatch=True
)
WORDS = [
    *("y", "N", "yes", "No", "ON", "off", "true", "FALSE", "~", "null", "Null", ""),
    *("=", "<<", ".inf", "-.INF", ".NaN", "inf", "012345678901", "098765432109"),
    *("1e3", "0o17", "0x1F", "1_000", "12:30:45", "2026-01-01", "1.", ".5", "+1", "."),
    *(
        "2026-01-01 10:00:00 +2",
        "2026-01-01T10:00:00Z",
        "1,000",
        "-0b1",
        "190:20:30.15",
    ),
]


@pytest.mark.parametrize(
    "text", ["\x85", "a\x85b", "\u2028", "1\u2029", "\r", "a\nb\n"]
)
def test_every_end_of_a_line_is_kept(text: str) -> None:
    assert yaml.safe_load(to_yaml({"Default": text})) == {"Default": text}


def test_words_and_numbers_are_quoted() -> None:
    document = {word: word for word in WORDS}

    written = to_yaml(document)

    assert tags(written) == {"str"}
    assert yaml.safe_load(written) == document


@pytest.mark.slow
@given(NUMBERLIKE | st.text(max_size=12))
def test_text_stays_text_for_every_reader_of_yaml(text: str) -> None:
    written = to_yaml({"Default": text})

    assert tags(written) == {"str"}
    assert yaml.safe_load(written) == {"Default": text}


def test_numbers_and_truth_values_are_written_as_such() -> None:
    assert to_yaml({"A": 1, "B": True, "C": "arm64"}) == "A: 1\nB: true\nC: arm64\n"


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
