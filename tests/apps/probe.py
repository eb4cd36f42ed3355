"""A plain Lambda handler that does what its client asks for, good or bad."""

import ctypes
import itertools
import json
import logging
import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

logging.getLogger().setLevel(logging.INFO)
calls = itertools.count(1)

Event = dict[str, Any]


class MyError(Exception):
    pass


def handler(event: Event, context: Any) -> Any:
    kind = event["requestContext"]["eventType"]
    print("EVENT", json.dumps(event))
    if kind == "CONNECT":
        return connect(event.get("queryStringParameters") or {})
    if kind == "DISCONNECT":
        return {"statusCode": 200}
    order = json.loads(event["body"])
    action = ACTIONS.get(order.get("action"), say("unknown action"))
    return action(order, context)


def connect(query: dict[str, str]) -> Any:
    if "raise" in query:
        raise MyError("not today")
    result: dict[str, Any] = {"statusCode": int(query.get("status", 200))}
    if "subprotocol" in query:
        result["headers"] = {"Sec-WebSocket-Protocol": query["subprotocol"]}
    return result


def say(text: str) -> Any:
    return lambda _order, _context: {"statusCode": 200, "body": text}


def echo(order: Event, _context: Any) -> Any:
    return {"statusCode": 200, "body": order["text"]}


def give_back(order: Event, _context: Any) -> Any:
    return order["value"]


def fail(_order: Event, _context: Any) -> Any:
    raise MyError("it was asked for")


def leave(_order: Event, _context: Any) -> Any:
    print("LEAVING", os.getpid())
    os._exit(3)


def leave_by_exception(_order: Event, _context: Any) -> Any:
    sys.exit(4)


def crash(_order: Event, _context: Any) -> Any:
    ctypes.string_at(0)


def hang(_order: Event, _context: Any) -> Any:
    with subprocess.Popen(["/bin/sleep", "60"]) as child:
        print("HANGING", os.getpid(), child.pid)
        child.wait()


def count(_order: Event, _context: Any) -> Any:
    told = {"pid": os.getpid(), "count": next(calls)}
    return {"statusCode": 200, "body": json.dumps(told)}


def unmarshallable(_order: Event, _context: Any) -> Any:
    return {"statusCode": 200, "body": {1, 2}}


def decimal(_order: Event, _context: Any) -> Any:
    return {"statusCode": Decimal(200), "body": "a Decimal will do"}


def in_bytes(_order: Event, _context: Any) -> Any:
    return b'{"statusCode": 200, "body": "bytes are taken as they are"}'


def no_json(_order: Event, _context: Any) -> Any:
    return b"no JSON at all"


def too_much(_order: Event, _context: Any) -> Any:
    return {"statusCode": 200, "body": "x" * 7_000_000}


def describe_context(_order: Event, context: Any) -> Any:
    told = {
        name: getattr(context, name)
        for name in (
            "function_name",
            "function_version",
            "invoked_function_arn",
            "memory_limit_in_mb",
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "client_context",
        )
    }
    told["identity"] = context.identity.cognito_identity_id
    told["remaining"] = context.get_remaining_time_in_millis()
    return {"statusCode": 200, "body": json.dumps(told)}


def describe_environment(order: Event, _context: Any) -> Any:
    told = {name: os.environ.get(name) for name in order["names"]}
    told["cwd"] = str(Path.cwd())
    return {"statusCode": 200, "body": json.dumps(told)}


def write(_order: Event, _context: Any) -> Any:
    print("to stdout, \N{GREEK SMALL LETTER ALPHA}")
    print("to stderr", file=sys.stderr)
    logging.getLogger("probe").info("to the log")
    print("x" * 200_000)
    print("without an end", end="", flush=True)
    return {"statusCode": 200, "body": "written"}


def wait_for(order: Event, _context: Any) -> Any:
    while not Path(order["path"]).exists():
        time.sleep(0.01)
    return {"statusCode": 200, "body": "waited"}


def touch(order: Event, _context: Any) -> Any:
    Path(order["path"]).touch()
    return {"statusCode": 200, "body": "touched"}


ACTIONS: dict[str | None, Any] = {
    "count": count,
    "context": describe_context,
    "crash": crash,
    "bytes": in_bytes,
    "decimal": decimal,
    "echo": echo,
    "environment": describe_environment,
    "exit": leave,
    "fail": fail,
    "give back": give_back,
    "hang": hang,
    "no json": no_json,
    "sys.exit": leave_by_exception,
    "too much": too_much,
    "touch": touch,
    "unmarshallable": unmarshallable,
    "wait": wait_for,
    "write": write,
}
