"""`coldstart`: a fresh interpreter to the first event handled.

AWS's own runtime interface client runs the function, as in Lambda; what Lambda does
before it starts the interpreter is not in the figures. The event is a `$connect`; for
examples/rooms, which has no such route, it is the message with which a client begins.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import jwt

from benchmarks import machine
from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.options import Options
from benchmarks.place import Place, open_sink
from benchmarks.processes import ROOT, clean
from benchmarks.report import Ratio, Report, Row
from benchmarks.rounds import Figures, measure_in_turns, medians
from benchmarks.runtime_api import RuntimeApi
from wspubsub.testing.events import connect_event, message_event

OURS, BOTO3 = "wspubsub", "boto3"
_SECRET = "0123456789abcdef" * 4
_TOKEN = jwt.encode({"sub": "alice", "exp": 2**40}, _SECRET, algorithm="HS256")
_CONNECT = connect_event()


class _Function(NamedTuple):
    """A function, its event, and how many requests it makes of DynamoDB."""

    module: str
    event: Mapping[str, Any] = _CONNECT
    requests: int = 1


FUNCTIONS = {
    "no library, no PutItem": _Function("with_nothing", requests=0),
    OURS: _Function("with_wspubsub"),
    "wspubsub, examples/rooms": _Function(
        "with_rooms", message_event({"id": 1, "connect": {}}), requests=4
    ),
    "wspubsub, examples/rooms, a token": _Function(
        "with_rooms",
        message_event({"id": 1, "connect": {"token": _TOKEN}}),
        requests=10,
    ),
    BOTO3: _Function("with_boto3"),
    "boto3, DynamoDB client only": _Function("with_boto3_dynamodb"),
    "Powertools' event handler + boto3": _Function("with_powertools"),
}
_NEEDS = {"with_powertools": "aws_lambda_powertools"}


def run(options: Options) -> Report:
    """Measure the functions, each in fresh interpreters."""
    if find_spec("awslambdaric") is None:
        raise MissingError("awslambdaric is not installed; it runs on Linux")
    missing = {name for name in FUNCTIONS if not _is_installed(FUNCTIONS[name])}
    with open_sink(options.sink) as place:
        measures = {
            name: partial(_measure, function, place)
            for name, function in FUNCTIONS.items()
            if name not in missing
        }
        if not options.tiny:
            for warm_up in measures.values():
                warm_up()  # writes the bytecode that Lambda has as well
        measured = measure_in_turns(measures, rounds=options.rounds)
    found = {name: medians(rounds) for name, rounds in measured.items()}
    return Report(
        title=(
            "coldstart: spawn of the interpreter to the response to the first "
            f"event, under awslambdaric, on one core, medians of {options.rounds} "
            "rounds"
        ),
        machine=machine.describe(),
        rows=[_row(name, found) for name in FUNCTIONS],
        ratios=[
            Ratio(
                "coldstart_vs_boto3",
                found[BOTO3]["wall_ms"] / found[OURS]["wall_ms"],
                at_least=4.5,
            )
        ],
    )


def _is_installed(function: _Function) -> bool:
    needed = _NEEDS.get(function.module)
    return needed is None or find_spec(needed) is not None


def _row(name: str, found: dict[str, Figures]) -> Row:
    if name not in found:
        return Row(name, {"note": f"{_NEEDS[FUNCTIONS[name].module]} is not installed"})
    times = found[name]["wall_ms"] / found[OURS]["wall_ms"]
    return Row(name, {**found[name], "wall_vs_ours": times})


def _measure(function: _Function, place: Place) -> Figures:
    handler = f"benchmarks.functions.{function.module}.handler"
    command = [sys.executable, "-m", "awslambdaric", handler]
    with RuntimeApi.start(function.event) as api:
        environ = clean(os.environ) | place.trust | _lambda_environ(place, api, handler)
        cpu = _children_seconds()
        started_at = time.perf_counter()
        with machine.on_cores(machine.client_cores()):
            process = subprocess.Popen(command, cwd=ROOT, env=environ)
        try:
            wall = api.answered_at() - started_at
        finally:
            process.kill()
            process.wait()
    arrived = place.sink.arrived(function.requests).requests
    if arrived != function.requests:
        raise BenchmarkError(
            f"{function.module} made {arrived} requests, not {function.requests}"
        )
    return {"wall_ms": wall * 1e3, "cpu_ms": (_children_seconds() - cpu) * 1e3}


def _lambda_environ(place: Place, api: RuntimeApi, handler: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": place.dynamodb,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "LAMBDA_TASK_ROOT": str(ROOT),
        "ROOMS_ANONYMOUS": "1",
        "ROOMS_SECRET": _SECRET,
        "WSPUBSUB_ENDPOINT": place.tls,
        "WSPUBSUB_TABLE": "subscriptions",
        "_HANDLER": handler,
    }


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
