"""The options of `wspubsub dev`."""

import argparse
from pathlib import Path

from wspubsub.cli import dev
from wspubsub.cli.numbers import number_from, port
from wspubsub.cli.options import (
    add_authorizer,
    add_env_file,
    add_handler,
    add_need,
    add_stage,
    add_two_way,
    route_key,
)
from wspubsub.gateway import GatewayConfig
from wspubsub.gateway.limits import MAX_TIMEOUT_SECONDS
from wspubsub.handlers.application import QUEUE, STREAM
from wspubsub.selection import DEFAULT_EXPRESSION

DEFAULTS = GatewayConfig()
DEFAULT_PORT = 3001

DESCRIPTION = """\
Serve a Lambda handler behind a local stand-in for an API Gateway WebSocket API, with
an embedded DynamoDB. Clients see what they would see on AWS: size limits, close codes,
timeouts, error messages.

The routes, which of them are two-way, the route selection expression and the event
sources come from the handler if it is a Router or has an attribute `router` that is
one. Options override what it declares. Any other Lambda handler is served too.

The handler runs in worker processes with the environment of a Lambda function, with
WSPUBSUB_TABLE and WSPUBSUB_ENDPOINT; AWS SDKs in it find the local services."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.set_defaults(run=dev.run)
    add_handler(parser, is_optional=True)
    _add_listening(parser.add_argument_group("the listening address"))
    api = parser.add_argument_group("the WebSocket API")
    _add_routes(api)
    add_authorizer(api)
    _add_limits(api)
    _add_functions(parser.add_argument_group("the functions"))
    _add_dynamodb(parser.add_argument_group("DynamoDB"))
    _add_stream(parser.add_argument_group("the table's stream"))
    _add_queue(parser.add_argument_group("a queue"))
    parser.add_argument(
        "--no-inspector",
        action="store_true",
        help="keep no record of what happens, and serve no page that shows it",
    )
    parser.add_argument(
        "--json-logs", action="store_true", help="log one JSON object per line"
    )
    parser.add_argument(
        "--show-messages",
        action="store_true",
        help="log what clients send and what is posted to them, cut at 200 characters; "
        "whole with --json-logs",
    )


def _add_listening(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s)",
    )
    group.add_argument(
        "--port",
        type=port,
        default=DEFAULT_PORT,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="accept requests for this host name too, besides this machine's own; "
        "*.NAME for every name below it, * for all; may be repeated",
    )
    group.add_argument(
        "--tls",
        action="store_true",
        help="serve only wss and https, as AWS does (default: the port serves ws and "
        "http as well), with a temporary certificate that the workers trust",
    )
    group.add_argument(
        "--cert",
        type=Path,
        metavar="FILE",
        help="serve this certificate (PEM), such as one of mkcert, instead",
    )
    group.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="its private key, if it is not in the same file",
    )


def _add_routes(group: argparse._ArgumentGroup) -> None:
    add_stage(group, DEFAULTS.stage)
    group.add_argument(
        "--route",
        action="append",
        type=route_key,
        default=[],
        metavar="KEY",
        help="a route key besides $connect, $disconnect and $default; if you name "
        "any of these three, those that you do not name do not exist; may be repeated "
        "(default: those of the router)",
    )
    add_two_way(group)
    group.add_argument(
        "--stage-variable",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a stage variable, which every event carries; may be repeated",
    )
    group.add_argument(
        "--route-selection-expression",
        metavar="EXPRESSION",
        help="how to compute a message's route key (default: as the router does, "
        f"or {DEFAULT_EXPRESSION})",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--idle-timeout",
        type=float,
        default=DEFAULTS.idle_timeout_seconds,
        metavar="SECONDS",
        help="close connections that are idle for this long (default: %(default)g)",
    )
    group.add_argument(
        "--max-duration",
        type=float,
        default=DEFAULTS.max_duration_seconds,
        metavar="SECONDS",
        help="close connections after this time (default: %(default)g)",
    )


def _add_functions(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--function",
        action="append",
        default=[],
        metavar="KEY=HANDLER",
        help="the handler of one route, if it has a function of its own; may be "
        "repeated. Without HANDLER the API has these routes only",
    )
    add_env_file(group)
    group.add_argument(
        "--environments",
        type=number_from(1),
        default=4,
        metavar="N",
        help="maximum number of worker processes for each function; each handles "
        "one event at a time (default: %(default)s)",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=MAX_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="timeout of the functions, at most 900 (default: %(default)g)",
    )
    group.add_argument(
        "--memory",
        type=int,
        metavar="MB",
        help="memory of the functions, from 128 to 10240; a process that uses more is "
        "killed, as on Lambda (Linux only; default: any amount)",
    )
    group.add_argument(
        "--runtime",
        choices=("builtin", "awslambdaric"),
        default="builtin",
        help="what runs the handler: a small built-in runtime, or AWS's own client "
        "if it is installed (default: %(default)s)",
    )
    group.add_argument(
        "--faults",
        type=Path,
        metavar="FILE",
        help="JSON file of rules of what fails: posts, functions, requests to the "
        "embedded DynamoDB; read again whenever it changes",
    )
    group.add_argument(
        "--reload",
        action="store_true",
        help="restart the workers when a source file changes",
    )
    group.add_argument(
        "--debug",
        action="store_true",
        help="let breakpoint() use this terminal: one worker process for each "
        "function, no timeouts, and threads run on between events",
    )


def _add_dynamodb(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--dynamodb",
        default="embedded",
        metavar="embedded|URL",
        help="an endpoint to use instead of the embedded DynamoDB; the table must "
        "exist there",
    )
    group.add_argument(
        "--dynamodb-port",
        type=port,
        default=0,
        metavar="N",
        help="port of the embedded DynamoDB; 0 picks a free one (default: %(default)s)",
    )
    group.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="a folder in which the tables of the embedded DynamoDB are kept over "
        "restarts; queues and what a stream had not delivered are not",
    )
    group.add_argument(
        "--setup",
        type=Path,
        metavar="FILE.py",
        help="a Python file to run before the functions start, with the environment in "
        "which boto3 finds the local services, to create tables of your own",
    )
    group.add_argument(
        "--table", default="wspubsub", help="name of the table (default: %(default)s)"
    )
    group.add_argument(
        "--region", help="AWS Region (default: AWS_REGION, or us-east-1)"
    )


def _add_stream(group: argparse._ArgumentGroup) -> None:
    add_need(
        group,
        "--streams",
        need=STREAM,
        help_text="deliver the table's changes to the handler, as DynamoDB Streams and "
        "Lambda do; a table at a URL must have a stream (see create-table --stream), "
        "which is read from now on",
    )
    group.add_argument(
        "--stream-batch-size",
        type=int,
        default=100,
        metavar="N",
        help="maximum number of records in an invocation, from 1 to 10000 (default: "
        "%(default)s)",
    )
    group.add_argument(
        "--stream-retries",
        type=int,
        default=-1,
        metavar="N",
        help="how often a failed batch is retried, from 0 to 10000, or -1 for as "
        "long as the stream keeps it (default: %(default)s)",
    )
    group.add_argument(
        "--stream-max-age",
        type=int,
        default=-1,
        metavar="SECONDS",
        help="records older than this are not delivered; from 60 to 604800, or -1 "
        "for no limit (default: %(default)s)",
    )
    group.add_argument(
        "--stream-bisect",
        action="store_true",
        help="split a failed batch in two",
    )


def _add_queue(group: argparse._ArgumentGroup) -> None:
    add_need(
        group,
        "--queue",
        need=QUEUE,
        help_text="create an SQS queue with a dead-letter queue and deliver its "
        "messages to the handler, which finds the queue's URL in WSPUBSUB_QUEUE",
    )
    group.add_argument(
        "--queue-batch-size",
        type=int,
        default=10,
        metavar="N",
        help="maximum number of messages in an invocation, from 1 to 10 (default: "
        "%(default)s)",
    )
    group.add_argument(
        "--queue-visibility",
        type=int,
        metavar="SECONDS",
        help="visibility timeout: an unfinished message is redelivered after this "
        "many seconds, from 0 to 43200, and not less than --timeout (default: "
        "30, or --timeout if that is longer)",
    )
    group.add_argument(
        "--queue-max-receives",
        type=int,
        default=5,
        metavar="N",
        help="how often a message is received before it goes to the dead-letter "
        "queue, from 1 to 1000 (default: %(default)s)",
    )
