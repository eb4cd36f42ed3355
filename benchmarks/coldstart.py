"""`coldstart`: a fresh interpreter to the first `$connect` handled.

AWS's own runtime interface client runs the function, as in Lambda; what Lambda does
before it starts the interpreter is not in the figures.
"""

import os
import resource
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec

from benchmarks import machine
from benchmarks.errors import BenchmarkError, MissingError
from benchmarks.options import Options
from benchmarks.place import Place, open_sink
from benchmarks.processes import ROOT, clean
from benchmarks.report import Ratio, Report, Row
from benchmarks.rounds import Figures, measure_in_turns, medians
from benchmarks.runtime_api import RuntimeApi
from wspubsub.testing.events import connect_event

OURS, BOTO3 = "wspubsub", "boto3"
FUNCTIONS = {
    "no library, no PutItem": "with_nothing",
    OURS: "with_wspubsub",
    BOTO3: "with_boto3",
    "boto3, DynamoDB client only": "with_boto3_dynamodb",
    "Powertools' event handler + boto3": "with_powertools",
}
_NEEDS = {"with_powertools": "aws_lambda_powertools"}
_PUTS_NOTHING = "with_nothing"


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
            "coldstart: spawn of the interpreter to the response of the first "
            f"$connect, under awslambdaric, on one core, medians of {options.rounds} "
            "rounds"
        ),
        machine=machine.describe(),
        rows=[_row(name, found) for name in FUNCTIONS],
        ratios=[
            Ratio(
                "coldstart_vs_boto3",
                found[BOTO3]["wall_ms"] / found[OURS]["wall_ms"],
                at_least=4,
            )
        ],
    )


def _is_installed(function: str) -> bool:
    needed = _NEEDS.get(function)
    return needed is None or find_spec(needed) is not None


def _row(name: str, found: dict[str, Figures]) -> Row:
    if name not in found:
        return Row(name, {"note": f"{_NEEDS[FUNCTIONS[name]]} is not installed"})
    times = found[name]["wall_ms"] / found[OURS]["wall_ms"]
    return Row(name, {**found[name], "wall_vs_ours": times})


def _measure(function: str, place: Place) -> Figures:
    handler = f"benchmarks.functions.{function}.handler"
    command = [sys.executable, "-m", "awslambdaric", handler]
    puts = 0 if function == _PUTS_NOTHING else 1
    with RuntimeApi.start(connect_event()) as api:
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
    arrived = place.sink.arrived(puts).requests
    if arrived != puts:
        raise BenchmarkError(f"{function} put {arrived} items, not {puts}")
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
        "WSPUBSUB_ENDPOINT": place.tls,
        "WSPUBSUB_TABLE": "subscriptions",
        "_HANDLER": handler,
    }


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
