"""What a template contains."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.support.infra_templates import (
    APPLICATION,
    EVERYTHING,
    found,
    made,
    of_kind,
    properties,
    statements,
)
from tests.support.servers.small_table import SmallTable
from wspubsub import UsageError
from wspubsub.deployment.template.logical_ids import route_id
from wspubsub.deployment.template.publishers import PublisherFunction
from wspubsub.deployment.template.settings import TemplateSettings
from wspubsub.deployment.template.variables import Variable
from wspubsub.dynamodb import DynamoDBTopicLog
from wspubsub.handlers.application import Application

ROUTE = "AWS::ApiGatewayV2::Route"
TWO_WAY = "RouteResponseSelectionExpression"
FUNCTION = "AWS::Lambda::Function"
custom_keys = st.text(min_size=1).filter(lambda key: not key.startswith("$"))


def actions(template: dict[str, Any], role: str = "FunctionRole") -> set[str]:
    return {
        action
        for each in statements(template, role).values()
        for action in each["Action"]
    }


def test_each_route_key_has_a_route_and_the_predefined_ones_always_do() -> None:
    template = made()

    keys = {each["RouteKey"] for each in of_kind(template, ROUTE).values()}

    assert keys == APPLICATION.route_keys | {"$default"}


def test_the_api_selects_routes_as_the_router_does() -> None:
    application = Application(
        handler="app.handler",
        route_keys=frozenset(),
        route_selection_expression="${request.body.service}/${request.body.action}",
    )

    template = made(application)

    expression = properties(template, "Api")["RouteSelectionExpression"]
    assert expression == application.route_selection_expression


def test_the_stage_waits_for_all_routes_so_that_it_deploys_once() -> None:
    template = made(two_way=frozenset())

    stage = template["Resources"]["Stage"]

    assert set(of_kind(template, ROUTE)) <= set(stage["DependsOn"])
    assert stage["Properties"]["AutoDeploy"] is True


def two_way_keys(template: dict[str, Any]) -> set[str]:
    return {
        each["RouteKey"]
        for each in of_kind(template, ROUTE).values()
        if TWO_WAY in each
    }


@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_the_routes_that_the_router_declares_are_two_way(template_format: str) -> None:
    application = replace(APPLICATION, two_way_keys=frozenset({"subscribe"}))

    template = made(application, template_format=template_format)

    responses = of_kind(template, "AWS::ApiGatewayV2::RouteResponse")
    (response,) = responses.values()
    prefix = "Api" if template_format == "sam" else ""
    assert response["RouteId"] == {"Ref": f"{prefix}SubscribeRoute"}
    if template_format == "sam":
        routes = properties(template, "Api")["Routes"]
        assert {k for k, each in routes.items() if TWO_WAY in each} == {"subscribe"}
    else:
        assert two_way_keys(template) == {"subscribe"}


def test_two_way_routes_that_are_named_count_instead_of_those_declared() -> None:
    application = replace(APPLICATION, two_way_keys=frozenset({"subscribe"}))

    template = made(application, two_way=frozenset({"$default"}))

    assert two_way_keys(template) == {"$default"}


def test_a_two_way_route_that_the_api_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="--two-way names echo, but the API has no"):
        made(two_way=frozenset({"echo", "subscribe"}))


def test_only_routes_for_messages_are_two_way() -> None:
    template = made(two_way=frozenset())

    two_way = two_way_keys(template)
    responses = of_kind(template, "AWS::ApiGatewayV2::RouteResponse")

    assert two_way == {"$default", "subscribe", "sendMessage"}
    assert {each["RouteId"]["Ref"] for each in responses.values()} == {
        name
        for name, each in of_kind(template, ROUTE).items()
        if each["RouteKey"] in two_way
    }


def test_the_authorizer_guards_connect_and_may_be_invoked_by_its_api_only() -> None:
    template = made(
        authorizer="auth.check", identity_sources=("route.request.header.Auth",)
    )

    guarded = [
        each["RouteKey"]
        for each in of_kind(template, ROUTE).values()
        if each.get("AuthorizationType") == "CUSTOM"
    ]

    assert guarded == ["$connect"]
    assert properties(template, "AuthorizerFunction")["Handler"] == "auth.check"
    sources = properties(template, "Authorizer")["IdentitySource"]
    assert sources == ["route.request.header.Auth"]
    permission = properties(template, "AuthorizerPermission")
    assert permission["SourceArn"]["Fn::Sub"].endswith(
        "${Api}/authorizers/${Authorizer}"
    )
    assert actions(template, "AuthorizerFunctionRole") == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


def test_an_authorizer_that_is_left_out_is_taken_from_its_route() -> None:
    # CloudFormation changes no property that a template does not name.
    assert properties(made(), "ConnectRoute")["AuthorizationType"] == "NONE"
    sam = made(template_format="sam")
    assert properties(sam, "Api")["Auth"] == {"AuthType": "NONE"}


def test_an_authorizer_finds_what_its_module_reads_when_it_is_imported() -> None:
    template = made(**EVERYTHING)

    functions = of_kind(template, FUNCTION)

    assert (
        functions["AuthorizerFunction"]["Environment"]
        == functions["Function"]["Environment"]
    )


@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_an_authorizer_may_do_without_identity_sources(template_format: str) -> None:
    template = made(authorizer="auth.check", template_format=template_format)

    name = "Api" if template_format == "sam" else "Authorizer"

    assert "IdentitySource" not in json.dumps(properties(template, name))


def test_no_statement_is_for_everything() -> None:
    template = made(**EVERYTHING, worker="work.handler")

    for name in of_kind(template, "AWS::IAM::Role"):
        for each in statements(template, name).values():
            assert "*" not in each["Resource"]
            assert not any("*" in action for action in each["Action"])


def test_the_function_may_do_what_the_store_does_and_no_more() -> None:
    table = statements(made())["Table"]

    assert table["Action"] == [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "dynamodb:BatchWriteItem",
    ]
    assert table["Resource"] == [{"Fn::GetAtt": ["Table", "Arn"]}]


def test_a_history_needs_one_action_more_and_outlives_the_stack() -> None:
    plain, with_history = made(), made(history=True)

    more = actions(with_history) - actions(plain)

    assert more == {"dynamodb:ConditionCheckItem"}
    assert plain["Resources"]["Table"]["DeletionPolicy"] == "Delete"
    assert with_history["Resources"]["Table"]["DeletionPolicy"] == "Retain"
    assert with_history["Resources"]["Table"]["UpdateReplacePolicy"] == "Retain"


def test_the_members_of_a_pubsub_are_updated_by_whoever_posts_to_them() -> None:
    more = actions(made(members=True)) - actions(made())

    assert more == {"dynamodb:UpdateItem"}
    assert "dynamodb:UpdateItem" not in actions(made(streams=True, history=True))
    assert made(members=True)["Resources"]["Table"]["DeletionPolicy"] == "Delete"


def test_what_a_stream_carries_is_logged_first_and_may_be() -> None:
    more = actions(made(streams=True)) - actions(made())

    assert "dynamodb:ConditionCheckItem" in more


def test_the_table_forgets_and_has_a_stream_only_where_one_is_read() -> None:
    plain, streaming = (
        properties(made(streams=streams), "Table") for streams in (False, True)
    )

    assert plain["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert plain["BillingMode"] == "PAY_PER_REQUEST"
    assert "StreamSpecification" not in plain
    assert streaming["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


@pytest.mark.parametrize(
    ("record", "is_wanted"),
    [
        (("INSERT", "C#L0SM9cOFvHcCIhw=", "#"), True),
        (("INSERT", "C#L0SM9cOFvHcCIhw=", "T#news"), False),
        (("INSERT", "T#0#news", "L0SM9cOFvHcCIhw="), False),
        (("MODIFY", "L#news", "0000000000000001"), False),
        (("REMOVE", "C#L0SM9cOFvHcCIhw=", "#"), False),
    ],
)
def test_of_the_stores_records_only_new_connections_wake_a_function(
    record: tuple[str, str, str],
    is_wanted: bool,
) -> None:
    name, pk, sk = record

    assert _wakes(name, {"pk": {"S": pk}, "sk": {"S": sk}}) is is_wanted


def test_of_the_logs_records_only_new_messages_wake_a_function() -> None:
    table = SmallTable()
    log = DynamoDBTopicLog("chat", client=table)
    log.append("news", b"")
    log.append("news", b"hello", key="k", exclude={"a="}, info=b"ann")

    images = [each["dynamodb"]["NewImage"] for each in table.records]
    woken: dict[str, list[bool]] = {}
    for image in images:
        woken.setdefault(image["pk"]["S"], []).append(_wakes("INSERT", image))

    # The entry that begins the epoch, and the two messages.
    assert woken == {"L#news": [False, True, True], "K#4#news#k": [False]}
    assert not any(_wakes("MODIFY", image) for image in images)


def _wakes(name: str, image: dict[str, Any]) -> bool:
    filters = properties(made(streams=True), "StreamMapping")["FilterCriteria"]
    patterns = [json.loads(each["Pattern"]) for each in filters["Filters"]]
    keys = {key: image[key] for key in ("pk", "sk")}
    event = {"eventName": name, "dynamodb": {"Keys": keys, "NewImage": image}}
    return any(_passes(pattern, event) for pattern in patterns)


def _passes(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Evaluate a filter as "Filter rule syntax" says: all keys, any value of a list."""
    for key, wanted in pattern.items():
        value = event.get(key)
        if isinstance(wanted, dict):
            if not isinstance(value, dict) or not _passes(wanted, value):
                return False
        elif not any(_fits(each, value) for each in wanted):
            return False
    return True


def _fits(wanted: object, value: object) -> bool:
    match wanted:
        case {"prefix": str(prefix)}:
            return str(value).startswith(prefix)
        case {"exists": bool(exists)}:
            return (value is not None) is exists
        case _:
            return value == wanted


def test_a_failing_record_blocks_neither_stream_nor_queue_for_long() -> None:
    template = made(streams=True, queue=True)

    stream = properties(template, "StreamMapping")
    queue = properties(template, "Queue")

    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] == 10
    assert stream["MaximumRecordAgeInSeconds"] == 7_800  # as an item of the store lives
    assert stream["DestinationConfig"]["OnFailure"]["Destination"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    for each in of_kind(template, "AWS::Lambda::EventSourceMapping").values():
        assert each["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(("queue", "loop"), [(True, "Allow"), (False, None)])
def test_a_function_may_send_to_its_own_queue(
    queue: bool,
    loop: str | None,
) -> None:
    template = made(streams=True, queue=queue)

    assert properties(template, "Function").get("RecursiveLoop") == loop


@pytest.mark.parametrize("seconds", [1, 10, 29])
def test_messages_stay_hidden_six_times_as_long_as_they_may_take(seconds: int) -> None:
    queue = properties(made(queue=True, timeout_seconds=seconds), "Queue")

    assert queue["VisibilityTimeout"] == 6 * seconds


def test_a_worker_takes_the_records_and_the_function_may_not_read_them() -> None:
    template = made(streams=True, queue=True, worker="work.handler")

    mapped = {
        each["FunctionName"]["Ref"]
        for each in of_kind(template, "AWS::Lambda::EventSourceMapping").values()
    }

    assert mapped == {"Worker"}
    assert {"sqs:ReceiveMessage", "dynamodb:GetRecords"} <= actions(
        template, "WorkerRole"
    )
    assert not {"sqs:ReceiveMessage", "dynamodb:GetRecords"} & actions(template)
    assert "sqs:SendMessage" in actions(template)


def test_what_was_chosen_for_functions_holds_for_each_of_them() -> None:
    template = made(
        **EVERYTHING,
        worker="work.handler",
        memory_mb=256,
        timeout_seconds=7,
        runtime="python3.12",
        architecture="x86_64",
        log_retention_days=3,
    )

    functions = of_kind(template, FUNCTION)
    groups = of_kind(template, "AWS::Logs::LogGroup")

    assert set(functions) == {"Function", "Worker", "AuthorizerFunction"}
    for each in functions.values():
        assert (each["MemorySize"], each["Timeout"]) == (256, 7)
        assert (each["Runtime"], each["Architectures"]) == ("python3.12", ["x86_64"])
        assert each["LoggingConfig"]["LogGroup"]["Ref"] in groups
    assert {each["RetentionInDays"] for each in groups.values()} == {3}


def test_clients_and_functions_are_told_the_stage() -> None:
    template = made(stage="live")

    variables = properties(template, "Function")["Environment"]["Variables"]
    outputs = template["Outputs"]

    assert variables["WSPUBSUB_TABLE"] == {"Ref": "Table"}
    assert variables["WSPUBSUB_ENDPOINT"] == outputs["CallbackUrl"]["Value"]
    assert outputs["CallbackUrl"]["Value"]["Fn::Sub"].startswith("https://${Api}.")
    assert outputs["CallbackUrl"]["Value"]["Fn::Sub"].endswith("/live")
    assert outputs["WebSocketUrl"]["Value"]["Fn::Sub"].startswith("wss://${Api}.")


def test_the_stage_is_throttled() -> None:
    stage = properties(made(throttle_rate=20, throttle_burst=10), "Stage")

    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": 20,
        "ThrottlingBurstLimit": 10,
    }


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"stage": "$default"}, "not a stage name"),
        ({"stage": "my-stage", "template_format": "sam"}, "SAM turns the stage name"),
        ({"timeout_seconds": 30}, "timeout must be from 1 to 29 s, not 30"),
        ({"memory_mb": 64}, "memory must be from 128"),
        ({"log_retention_days": 2}, "log retention 2 does not exist"),
        ({"runtime": "python3.9"}, "runtime 'python3.9' does not exist"),
        ({"architecture": "arm"}, "architecture 'arm' does not exist"),
        ({"template_format": "cdk"}, "format 'cdk' does not exist"),
        ({"throttle_rate": 0}, "throttle rate must be from 1"),
        ({"throttle_burst": 0}, "throttle burst must be from 1"),
        ({"identity_sources": ("route.request.header.A",)}, "needs --authorizer"),
        (
            {"authorizer": "a.b", "identity_sources": ("$request.header.A",)},
            "not an identity source",
        ),
        ({"worker": "a.b"}, "--worker needs records"),
    ],
)
def test_what_aws_would_refuse_is_refused(
    settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason.replace("$", r"\$")):
        TemplateSettings(**settings)


@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_all_functions_find_the_users_own_variables(template_format: str) -> None:
    variables = (Variable.parse("JWKS_URL"), Variable.parse("LIMIT=1=2"))

    template = made(
        template_format=template_format,
        authorizer="auth.check",
        queue=True,
        worker="work.handler",
        variables=variables,
    )

    own = {"JWKS_URL": {"Ref": "JwksUrl"}, "LIMIT": {"Ref": "Limit"}}
    for name in ("Function", "Worker", "AuthorizerFunction"):
        found_there = properties(template, name)["Environment"]["Variables"]
        assert own.items() <= found_there.items()
    declared = template["Parameters"]
    assert declared["Limit"]["Default"] == "1=2"
    assert "Default" not in declared["JwksUrl"]
    assert ("CodeS3Key" in declared) == (template_format == "cloudformation")
    assert found(template) == []


def test_a_secret_is_never_shown_and_has_no_default() -> None:
    template = made(variables=(Variable("API_KEY", is_secret=True),))

    assert template["Parameters"]["ApiKey"] == {
        "Type": "String",
        "Description": "Environment variable API_KEY",
        "NoEcho": True,
    }


@pytest.mark.parametrize("template_format", ["cloudformation", "sam"])
def test_a_publisher_may_publish_and_is_invoked_by_its_schedule(
    template_format: str,
) -> None:
    template = made(
        template_format=template_format,
        publishers=(
            PublisherFunction("cron.handler", "rate(1 day)"),
            PublisherFunction("api.handler"),
        ),
        queue=True,
        streams=True,
    )

    assert properties(template, "Publisher")["Handler"] == "cron.handler"
    assert properties(template, "Publisher2")["Handler"] == "api.handler"
    variables = properties(template, "Function")["Environment"]["Variables"]
    for name in ("Publisher", "Publisher2"):
        assert properties(template, name)["Environment"]["Variables"] == variables
        own = statements(template, f"{name}Role")
        assert own["Table"] == statements(template)["Table"]
        assert own["Connections"] == statements(template)["Connections"]
        assert own["Send"] == statements(template)["Send"]
        assert not {"Stream", "Receive"} & own.keys()
        assert template["Outputs"][f"{name}Name"]["Value"] == {"Ref": name}
    rule = properties(template, "PublisherSchedule")
    assert rule["ScheduleExpression"] == "rate(1 day)"
    assert rule["Targets"] == [
        {"Id": "Publisher", "Arn": {"Fn::GetAtt": ["Publisher", "Arn"]}}
    ]
    allowed = properties(template, "PublisherSchedulePermission")
    assert allowed["Principal"] == "events.amazonaws.com"
    assert allowed["SourceArn"] == {"Fn::GetAtt": ["PublisherSchedule", "Arn"]}
    assert "Publisher2Schedule" not in template["Resources"]
    assert found(template) == []


def test_a_publisher_may_only_publish() -> None:
    publishers = (PublisherFunction("cron.handler"),)
    plain = made(publishers=publishers, queue=True)
    logged = made(publishers=publishers, history=True)
    members = made(publishers=publishers, members=True)

    own = statements(plain, "PublisherRole")
    assert own["Table"]["Action"] == [
        "dynamodb:Query",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
    ]
    (resource,) = own["Connections"]["Resource"]
    assert resource["Fn::Sub"].endswith("/prod/POST/@connections/*")
    assert "Send" in own
    for template in (logged, members):
        assert actions(template, "PublisherRole") == actions(template)


@pytest.mark.parametrize(
    "schedule",
    [
        *("rate(1 day)", "rate(5 minutes)", "rate(12 hours)"),
        *("cron(0 9 ? * MON-FRI *)", "cron(15 10 * * ? *)"),
    ],
)
def test_the_schedules_of_eventbridge_are_taken(schedule: str) -> None:
    assert PublisherFunction("cron.handler", schedule).schedule == schedule


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "daily", "1 day", "rate(1 days)", "rate(2 day)", "rate(0 days)"),
        *("cron(0 9 * * *)", "rate(1 week)", "at(2026-01-01T00:00:00)"),
    ],
)
def test_other_schedules_are_refused(schedule: str) -> None:
    with pytest.raises(UsageError, match="is not a schedule; use 'rate"):
        PublisherFunction("cron.handler", schedule)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["1ST"], "'1ST' is not the name of an environment variable"),
        ([""], "'' is not the name"),
        (["A-B=1"], "'A-B' is not the name"),
        (["WSPUBSUB_TABLE=x"], "the template sets WSPUBSUB_TABLE"),
        (["AWS_REGION=x"], "the template sets AWS_REGION"),
        (["LAMBDA_TASK_ROOT"], "the template sets LAMBDA_TASK_ROOT"),
        (["A_URL", "A__URL"], "two variables would share the parameter AUrl"),
        (["TABLE"], "the template already has a Table"),
        (["CODE_S3_KEY"], "the template already has a CodeS3Key"),
        (["CONNECT_ROUTE"], "the template already has a ConnectRoute"),
    ],
)
def test_variables_that_could_not_be_set_are_refused(
    texts: list[str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        made(variables=tuple(Variable.parse(text) for text in texts))


def test_more_routes_than_an_api_has_are_refused() -> None:
    keys = frozenset(f"key{number}" for number in range(298))

    with pytest.raises(UsageError, match=r"at most 300 routes, .*not 301"):
        made(Application(handler="app.handler", route_keys=keys))


def test_more_resources_than_a_template_has_are_refused() -> None:
    keys = frozenset(f"key{number}" for number in range(290))
    application = Application(handler="app.handler", route_keys=keys)

    with pytest.raises(UsageError, match="at most 500 resources"):
        made(application, two_way=frozenset())


def test_a_handler_must_be_one_for_lambda() -> None:
    with pytest.raises(UsageError, match="is not a handler; use"):
        Application(handler="handler", route_keys=frozenset())


@given(st.lists(custom_keys, unique=True, min_size=2, max_size=20))
def test_no_two_routes_share_a_logical_id(keys: list[str]) -> None:
    ids = [route_id(key) for key in [*keys, "$connect", "$disconnect", "$default"]]

    assert len(set(ids)) == len(ids)
    assert all(each.isascii() and each.isalnum() for each in ids)


@pytest.mark.parametrize("key", ["connect", "Subscribe", "chat/join", "a-b", "ab", "é"])
def test_keys_that_look_alike_have_routes_of_their_own(key: str) -> None:
    others = {"$connect", "subscribe", "chatjoin", "a.b", "aB", "e"}

    assert route_id(key) not in {route_id(other) for other in others}


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.frozensets(custom_keys, max_size=10),
    st.data(),
    st.frozensets(st.sampled_from(["streams", "queue", "history"])),
)
def test_a_template_fits_the_router_that_it_was_made_from(
    keys: frozenset[str], data: st.DataObject, flags: frozenset[str]
) -> None:
    messages = sorted(keys | {"$default"})
    application = Application(
        handler="app.handler",
        route_keys=keys | {"$connect"},
        two_way_keys=data.draw(st.frozensets(st.sampled_from(messages))),
        event_sources={f.removesuffix("s") for f in flags - {"history"}},
    )

    template = made(application, **dict.fromkeys(flags, True))

    assert found(template, application, with_history="history" in flags) == []
