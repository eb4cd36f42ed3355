"""Templates that nobody writes on purpose: never an error other than `UsageError`."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from tests.support.infra_templates import APPLICATION, EVERYTHING, Template, made
from wspubsub import UsageError
from wspubsub.deployment.checking import check_template, find_sources
from wspubsub.deployment.documents import read_template
from wspubsub.deployment.reading import find_variables, list_unread_loops

FOLDER = PurePath("/project")
ALL = replace(APPLICATION, table_uses=frozenset({"history", "members"}))
OWN_SAM = """
Transform: [AWS::Serverless-2016-10-31, AWS::LanguageExtensions]
Globals:
  Function: {Timeout: 3, Environment: {Variables: {A: b}}}
  WebSocketApi: {StageName: prod}
Parameters:
  Names: {Type: CommaDelimitedList, Default: "a,b"}
Mappings: {M: {"1": {"2": x}}}
Outputs:
  Id: {Value: !Ref Api, Export: {Name: api}}
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Auth:
        AuthType: CUSTOM
        AuthArn: !GetAtt Function.Arn
        IdentitySource: [route.request.querystring.token]
      Routes:
        $connect: {FunctionArn: !GetAtt Function.Arn, IntegrationTimeout: 1000}
        subscribe: {FunctionArn: !GetAtt Function.Arn}
      DefaultRouteSettings: {ThrottlingRateLimit: 1}
      RouteSettings: {$connect: {ThrottlingBurstLimit: 1}}
  Function:
    Type: AWS::Serverless::Function
    Connectors:
      Reads: {Properties: {Destination: {Id: Table}, Permissions: [Read]}}
    Properties:
      Handler: app.handler
      CodeUri: src/
      AutoPublishAlias: live
      VpcConfig: {SubnetIds: [!Ref Subnet]}
      Policies:
        - AWSLambdaBasicExecutionRole
        - DynamoDBCrudPolicy: {TableName: !Ref Table}
        - SQSSendMessagePolicy: {QueueName: !GetAtt Queue.QueueName}
        - Statement:
            - {Effect: Allow, Action: "execute-api:*", Resource: "*"}
      Environment:
        Variables:
          WSPUBSUB_TABLE: !Ref Table
          WSPUBSUB_QUEUE: !Ref Queue
          WSPUBSUB_ENDPOINT: !Sub "https://${Domain.RegionalDomainName}/k"
      Events:
        Records:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            FilterCriteria: {Filters: [{Pattern: '{"dynamodb": {"Keys": {}}}'}]}
            FunctionResponseTypes: [ReportBatchItemFailures]
        Parts: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}
        Nightly: {Type: Schedule}
  Table:
    Type: AWS::DynamoDB::GlobalTable
    Properties:
      Replicas: [{Region: eu-west-1, SSESpecification: {KMSMasterKeyId: !Ref Key}}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
  Simple:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: id, Type: String}}
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
          - {Effect: Allow, Principal: {AWS: "arn:aws:iam::1:root"}, Action: "kms:*"}
          - {Effect: Allow, Principal: {AWS: x}, Action: ["kms:Decrypt"]}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {KmsMasterKeyId: !Ref Key, RedrivePolicy: {maxReceiveCount: 3}}
  Inner:
    Type: AWS::CloudFormation::Stack
    DependsOn: [Api]
    Properties: {Parameters: {Id: !Ref Api}}
  Fn::ForEach::Topics:
    - Name
    - [x, !Ref Names]
    - "Topic${Name}": {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name}}
  Domain:
    Type: AWS::ApiGatewayV2::DomainName
    Properties: {DomainName: ws.example.com}
  Mapping:
    Type: AWS::ApiGatewayV2::ApiMapping
    Properties: {ApiId: !Ref Api, DomainName: !Ref Domain, ApiMappingKey: k}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc}}
  Vpc: {Type: AWS::EC2::VPC}
  Routes: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Routes, NatGatewayId: x}
  RoutesOfSubnet:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Routes}
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties: {VpcId: !Ref Vpc, ServiceName: com.amazonaws.eu-west-1.dynamodb}
"""
BASES = [
    made(**EVERYTHING, worker="work.handler"),
    made(template_format="sam", streams=True, queue=True),
    read_template(OWN_SAM, "own.yaml"),
]
FUNCTIONS = [
    *("Ref", "Condition", "Fn::Base64", "Fn::Cidr", "Fn::FindInMap", "Fn::GetAtt"),
    *("Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub"),
    *("Fn::Transform", "Fn::ForEach::Odd"),
]
NAMES = ["Api", "Function", "Function.Arn", "Table.StreamArn", "AWS::NoValue", "Names"]
KEYS = [None, True, 0, 1, 1.5, "", "Properties", "Type", "404", *FUNCTIONS]
TEXTS = ["", "x", "a=b", "${", "${Api}", "${A.B}", "${!A}", "\0", "{{resolve:ssm:x}}"]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=2)
    | st.text(max_size=4)
    | st.sampled_from([*TEXTS, *NAMES]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
        | st.builds(lambda key, value: {key: value}, st.sampled_from(FUNCTIONS), inner)
    ),
    max_leaves=6,
)


def list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each mapping or list within a value, with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from list_places(inner)


@st.composite
def damaged_templates(draw: st.DrawFn) -> str:
    """Draw a template of which one to three parts are something else, as YAML."""
    template = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(list_places(template))))
        kind = draw(st.sampled_from(["replace", "replace", "remove", "add", "rename"]))
        if kind == "replace" or isinstance(holder, list):
            holder[key] = draw(values)
        elif kind == "add":
            holder[draw(st.sampled_from(KEYS))] = draw(values)
        else:
            old = holder.pop(key)
            if kind == "rename":
                holder[draw(st.sampled_from(KEYS))] = old
    return dump(template)


def dump(template: Template) -> str:
    text: str = yaml.safe_dump(template, sort_keys=False)
    return text


def check(text: str) -> list[str]:
    """Do all that `wspubsub check` does with the text of a template."""
    template = read_template(text, "t.yaml")
    list_unread_loops(template)
    module = FOLDER / "app"
    for name, value in find_variables(template, "app.handler").items():
        assert (name + value).encode().count(b"\0") == 0
        assert "=" not in name
    find_sources(template, "app.handler", folder=FOLDER, module=module)
    return [
        str(each)
        for each in check_template(
            template, ALL, folder=FOLDER, module=module, publishers=("cron.handler",)
        )
    ]


@pytest.mark.slow
@settings(max_examples=100)
@given(damaged_templates())
def test_whatever_stands_in_a_template_it_is_judged_or_refused(text: str) -> None:
    try:
        findings = check(text)
    except UsageError as error:
        findings = [str(error)]

    assert all(findings)


def change(path: str, value: object, *, base: int = 2) -> Template:
    """Return a template with something else at a path; a name in <> is replaced."""
    template: Any = copy.deepcopy(BASES[base])
    *parents, last = path.split("/")
    holder = template
    for each in parents:
        holder = holder[each]
    if last.startswith("<"):
        holder[value] = holder.pop(last.strip("<>"))
    else:
        holder[last] = value
    return template  # type: ignore[no-any-return] # of a mapping


@pytest.mark.parametrize(
    ("name", "written"), [(404, "404"), (1.5, "1.5"), (True, "true"), (None, "null")]
)
@pytest.mark.parametrize(
    "path",
    [
        "Resources/<Inner>",
        "Resources/Function/<Connectors>",
        "Resources/Function/Properties/Environment/Variables/<WSPUBSUB_QUEUE>",
        "Resources/Function/Properties/Events/<Nightly>",
        "Resources/Api/Properties/Routes/<subscribe>",
        "Mappings/<M>",
        "Parameters/<Names>",
    ],
)
def test_a_name_that_yaml_takes_for_something_else_is_a_text(
    path: str, name: object, written: str
) -> None:
    assert check(dump(change(path, name))) == check(dump(change(path, written)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Resources/Simple/Properties/PrimaryKey/Type", {"Ref": "Names"}),
        ("Resources/Function/Connectors/Reads/Properties/Destination/Id", {"a": 1}),
    ],
)
def test_a_mapping_may_stand_where_a_text_should(path: str, value: object) -> None:
    assert check(dump(change(path, value))) == check(OWN_SAM)


def test_the_keys_of_a_loop_may_be_numbers() -> None:
    loop = ["Name", ["a", 2], {404: {"Type": "AWS::SNS::Topic"}}]

    text = dump(change("Resources/Fn::ForEach::Topics", loop))

    assert check(text) == check(OWN_SAM)


@pytest.mark.parametrize(
    ("name", "value"),
    [("A=B", "x"), ("", "x"), ("Ä", "x"), ("A\0", "x")],
)
def test_a_name_that_no_variable_has_is_left_out(name: str, value: str) -> None:
    variables = "Resources/Function/Properties/Environment/Variables"

    template = change(f"{variables}/{name}", value)

    found = find_variables(read_template(json.dumps(template), "t"), "app.handler")
    assert name not in found


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_value_that_no_variable_has_is_another(value: str) -> None:
    template = change("Globals/Function/Environment/Variables/A", value)

    found = find_variables(read_template(json.dumps(template), "t"), "app.handler")

    assert found["A"] == "0"


@pytest.mark.parametrize(
    ("value", "reason"), [("[" * 99 + "]" * 99, "100 levels deep"), ("*all", "neither")]
)
def test_what_is_too_deep_is_refused(value: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        check(f"Resources: &all {{A: {{Type: x, Properties: {value}}}}}")


@pytest.mark.parametrize(
    "value", ['!!int ""', "!!bool x", "!!float x", "!!timestamp x", "!!set x", "{? []}"]
)
def test_what_yaml_cannot_read_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="neither YAML nor JSON"):
        check(f"Resources: {{A: {{Type: x, Properties: {value}}}}}")


@pytest.mark.parametrize("value", ["!!binary eA==", "!!set {a, b}", "!!omap [a: 1]"])
def test_types_that_cloudformation_does_not_have_are_not_judged(value: str) -> None:
    text = OWN_SAM.replace("CodeUri: src/", f"CodeUri: {value}")

    assert check(text) == check(OWN_SAM.replace("      CodeUri: src/\n", ""))
