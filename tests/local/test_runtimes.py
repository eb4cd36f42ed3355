"""What a function may do in its process, under both runtime clients."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROBE_TIMEOUT_SECONDS
from tests.support.servers.gateways import APPS, DevGateway, have_ended

pytestmark = pytest.mark.integration

INTERNAL_SERVER_ERROR = "Internal server error"


def ask(gateway: DevGateway, action: str, **details: Any) -> str:
    with gateway.client() as client:
        client.send(json.dumps({"action": action, **details}))
        return str(client.recv(10))


def told(answer: str) -> str:
    return str(json.loads(answer)["message"])


def error_of(gateway: DevGateway, text: str) -> dict[str, Any]:
    record = gateway.wait_for(
        lambda each: each["kind"] == "invoked" and text in each.get("error", "")
    )
    return dict(record)


def test_the_context_has_what_aws_documents(function: DevGateway) -> None:
    answer = json.loads(ask(function, "context"))

    assert answer["function_name"] == "handler"
    assert answer["function_version"] == "$LATEST"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:handler"
    assert answer["invoked_function_arn"] == arn
    assert answer["memory_limit_in_mb"] == "1024"
    assert answer["log_group_name"] == "/aws/lambda/handler"
    assert answer["log_stream_name"].startswith("local/[$LATEST]")
    assert answer["client_context"] is None
    assert answer["identity"] is None
    assert 0 < answer["remaining"] <= PROBE_TIMEOUT_SECONDS * 1000
    assert error_of_request(function, answer["aws_request_id"])["outcome"] == "200"


def error_of_request(gateway: DevGateway, request_id: str) -> dict[str, Any]:
    return dict(
        gateway.wait_for(
            lambda each: (
                each["kind"] == "invoked" and each["invocation_id"] == request_id
            )
        )
    )


def test_the_environment_is_that_of_a_lambda_function(function: DevGateway) -> None:
    names = [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_REGION",
        "LAMBDA_TASK_ROOT",
        "TZ",
        "WSPUBSUB_ENDPOINT",
        "WSPUBSUB_TABLE",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    ]

    answer = json.loads(ask(function, "environment", names=names))

    assert answer.pop("_X_AMZN_TRACE_ID").startswith("Root=1-")
    assert answer == {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": function.management_url,
        "AWS_ENDPOINT_URL_DYNAMODB": function.dynamodb_url,
        "AWS_LAMBDA_FUNCTION_NAME": "handler",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(APPS),
        "TZ": ":UTC",
        "WSPUBSUB_ENDPOINT": function.management_url,
        "WSPUBSUB_TABLE": "wspubsub",
        "_HANDLER": "probe.handler",
        "cwd": str(APPS),
    }


def test_what_a_handler_writes_is_shown_in_full(function: DevGateway) -> None:
    ask(function, "write")

    assert (
        function.wait_for_line("to stdout") == "to stdout, \N{GREEK SMALL LETTER ALPHA}"
    )
    assert function.wait_for_line("to stderr") == "to stderr"
    assert function.wait_for_line("to the log").startswith("[INFO]\t")
    assert function.wait_for_line("without an end") == "without an end"
    # Three of them may be in an ID that is logged.
    assert sum(len(line) for line in function.lines("x" * 99)) == 200_000


def test_an_exception_reaches_the_client_as_an_error_and_the_log_in_full(
    function: DevGateway,
) -> None:
    answer = ask(function, "fail")

    assert told(answer) == INTERNAL_SERVER_ERROR
    assert error_of(function, "it was asked for")["outcome"] == "MyError"
    assert "probe.py" in function.wait_for_line("in fail")


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("exit", "Runtime exited with error: exit status 3"),
        ("sys.exit", "Runtime exited with error: exit status 4"),
        ("crash", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_process_that_ends_is_an_error_and_is_replaced(
    function: DevGateway, action: str, reason: str
) -> None:
    answer = ask(function, action)

    assert told(answer) == INTERNAL_SERVER_ERROR
    assert error_of(function, reason)["outcome"] == "Runtime.ExitError"
    assert ask(function, "echo", text="still here") == "still here"


def test_globals_last_as_long_as_the_process(function: DevGateway) -> None:
    before = [json.loads(ask(function, "count")) for _ in range(4)]

    ask(function, "exit")

    after = [json.loads(ask(function, "count")) for _ in range(4)]
    left = {int(line.split()[1]) for line in function.lines("LEAVING")}
    assert not left & {each["pid"] for each in after}
    for pid in {each["pid"] for each in before + after}:
        counts = [each["count"] for each in before + after if each["pid"] == pid]
        assert counts == list(range(counts[0], counts[0] + len(counts)))


@pytest.mark.slow
def test_a_handler_that_hangs_is_killed_with_all_that_it_started(
    function: DevGateway,
) -> None:
    answer = ask(function, "hang")

    assert told(answer) == INTERNAL_SERVER_ERROR
    text = f"Task timed out after {PROBE_TIMEOUT_SECONDS:.2f} seconds"
    assert error_of(function, text)["outcome"] == "Sandbox.Timedout"
    assert have_ended(map(int, function.wait_for_line("HANGING").split()[1:]))


@pytest.mark.parametrize("action", ["unmarshallable", "no json", "too much"])
def test_a_result_that_is_no_json_is_an_error(
    function: DevGateway, action: str
) -> None:
    answer = ask(function, action)

    assert told(answer) == INTERNAL_SERVER_ERROR


def test_lambda_names_what_is_wrong_with_a_result(function: DevGateway) -> None:
    ask(function, "unmarshallable")
    ask(function, "too much")

    assert error_of(function, "Unable to marshal")["outcome"] == "Runtime.MarshalError"
    too_large = error_of(function, "Response payload size exceeded")
    assert too_large["outcome"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("decimal", "a Decimal will do"),
        ("bytes", "bytes are taken as they are"),
    ],
)
def test_a_result_may_hold_what_lambda_can_marshal(
    function: DevGateway, action: str, body: str
) -> None:
    answer = ask(function, action)

    assert answer == body


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": 200, "ConnectionId": "x"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"body": "no status"},
        ["a", "list"],
        "text",
        None,
    ],
)
def test_a_malformed_result_is_an_error(function: DevGateway, value: object) -> None:
    answer = ask(function, "give back", value=value)

    assert told(answer) == INTERNAL_SERVER_ERROR


def test_messages_of_one_client_run_at_the_same_time(
    function: DevGateway, tmp_path: Path
) -> None:
    def answers(path: str) -> set[str]:
        with function.client() as client:
            client.send(json.dumps({"action": "wait", "path": path}))
            client.send(json.dumps({"action": "touch", "path": path}))
            return {str(client.recv(10)), str(client.recv(10))}

    # Serial execution would leave the first one waiting until it is killed; so would
    # a second environment that takes too long to start, hence more than one try.
    tries = (answers(str(tmp_path / f"flag-{number}")) for number in range(3))
    assert {"waited", "touched"} in tries
