"""`gateway`: `wspubsub dev` and serverless-offline, as clients on a laptop see them.

The handler is in Python here and in Node there. A round trip is a message whose handler
posts to its sender, each with its own SDK; an answer is what a two-way route returns,
without any.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks import machine
from benchmarks.clients import (
    DEFLATE,
    BenchmarkClient,
    count_answers,
    count_arrivals,
    count_handshakes,
)
from benchmarks.errors import MissingError
from benchmarks.gateways import (
    Prepare,
    RunningGateway,
    prepare_ours,
    prepare_serverless_offline,
    start_gateway,
)
from benchmarks.options import Options
from benchmarks.proc import require_proc
from benchmarks.report import Ratio, Report, Row
from benchmarks.rounds import Figures, Measure, measure_in_turns, medians

OURS, OFFLINE = "wspubsub dev", "serverless-offline"
GATEWAYS: dict[str, Prepare] = {OURS: prepare_ours, OFFLINE: prepare_serverless_offline}

CLIENTS = (1, 20, 50)
SHAKING_CLIENTS = 20
SOCKETS, _TINY_SOCKETS = 1000, 20
_SECONDS, _TINY_SECONDS = 2.0, 0.1
_FANOUT_SECONDS = 10.0
_ANSWER, _ECHO = (json.dumps({"action": action}) for action in ("answer", "echo"))
_TEXT = "x" * 100


def run(options: Options) -> Report:
    """Start each gateway in turn, and measure what its clients see."""
    require_proc()
    missing: dict[str, MissingError] = {}
    measures: dict[str, Measure] = {}
    for name, prepare in GATEWAYS.items():
        try:
            with start_gateway(prepare, options):
                measures[name] = partial(_measure, prepare, options)
        except MissingError as error:
            missing[name] = error
    measured = measure_in_turns(measures, rounds=options.rounds)
    found = {name: medians(rounds) for name, rounds in measured.items()}
    return Report(
        title=(
            "gateway: what 1, 20 and 50 clients get in a second, and a fan-out to "
            f"{SOCKETS:,}; medians of {options.rounds} rounds"
        ),
        machine=machine.describe(),
        rows=list(_rows(found, missing)),
        ratios=list(_ratios(found)),
    )


def _measure(prepare: Prepare, options: Options) -> Figures:
    seconds = _TINY_SECONDS if options.tiny else _SECONDS
    sockets = _TINY_SOCKETS if options.tiny else SOCKETS
    figures: Figures = {}
    with start_gateway(prepare, options) as gateway:
        figures["ready_s"] = gateway.ready_seconds
        for count in CLIENTS:
            for name, message in (("roundtrips", _ECHO), ("answers", _ANSWER)):
                figures |= _measure_turns(gateway, name, message, count, seconds)
        figures |= _measure_handshakes(gateway, seconds)
    # A new process: the memory that earlier clients took would serve the next ones.
    with start_gateway(prepare, options) as gateway:
        figures |= _measure_fanout(gateway, sockets)
    return figures


def _measure_turns(
    gateway: RunningGateway, name: str, message: str, count: int, seconds: float
) -> Figures:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(BenchmarkClient(gateway.url)) for _ in range(count)
        ]
        # Until all functions have started.
        count_answers(clients, message, seconds / 4)
        cpu, began = gateway.cpu_seconds, time.perf_counter()
        answers = count_answers(clients, message, seconds)
        wall = time.perf_counter() - began
        cpu = gateway.cpu_seconds - cpu
    return {
        f"{name}_{count}_per_s": answers / wall,
        f"{name}_{count}_cpu_us": cpu / answers * 1e6,
    }


def _measure_handshakes(gateway: RunningGateway, seconds: float) -> Figures:
    cpu, began = gateway.cpu_seconds, time.perf_counter()
    handshakes = count_handshakes(gateway.url, SHAKING_CLIENTS, seconds)
    wall = time.perf_counter() - began
    return {
        "handshakes_per_s": handshakes / wall,
        "handshakes_cpu_us": (gateway.cpu_seconds - cpu) / handshakes * 1e6,
    }


def _measure_fanout(gateway: RunningGateway, sockets: int) -> Figures:
    before = gateway.megabytes
    with ExitStack() as stack:
        clients, ids = [], []
        for _ in range(sockets):
            client = stack.enter_context(BenchmarkClient(gateway.url, DEFLATE))
            client.send(_ECHO)
            ids.append(client.receive())
            clients.append(client)
        kilobytes = (gateway.megabytes - before) * 1000 / sockets
        cpu, began = gateway.cpu_seconds, time.perf_counter()
        clients[0].send(json.dumps({"action": "all", "ids": ids, "text": _TEXT}))
        arrived = count_arrivals(clients, _TEXT, sockets, _FANOUT_SECONDS)
        wall = time.perf_counter() - began
    return {
        "kb_per_connection": kilobytes,
        "fanout_arrived": arrived,
        "fanout_per_s": arrived / wall,
        "fanout_cpu_us": (gateway.cpu_seconds - cpu) / max(arrived, 1) * 1e6,
    }


def _rows(found: dict[str, Figures], missing: dict[str, MissingError]) -> Iterator[Row]:
    for count in CLIENTS:
        clients = "1 client" if count == 1 else f"{count} clients"
        for name, figures in found.items():
            turns = {
                shown: figures[figure] for shown, figure in _name_turns(count).items()
            }
            yield Row(f"{clients}, {name}", turns)
    for name, figures in found.items():
        yield Row(name, {figure: figures[figure] for figure in _OF_ALL})
    for name, error in missing.items():
        yield Row(name, {"note": str(error)})


def _ratios(found: dict[str, Figures]) -> Iterator[Ratio]:
    ours, theirs = found[OURS], found.get(OFFLINE)
    if theirs is not None:
        for name, figure in _COMPARED.items():
            yield Ratio(name, ours[figure] / theirs[figure], at_least=1)
    yield Ratio("gateway_fanout_per_s", ours["fanout_per_s"], at_least=8000)
    yield Ratio("gateway_kb_per_connection", ours["kb_per_connection"], at_most=25)
    yield Ratio("gateway_ready_s", ours["ready_s"], at_most=0.5)


def _name_turns(count: int) -> dict[str, str]:
    return {
        f"{name}_{unit}": f"{name}_{count}_{unit}"
        for name in ("roundtrips", "answers")
        for unit in ("per_s", "cpu_us")
    }


_OF_ALL = (
    "handshakes_per_s",
    "handshakes_cpu_us",
    "fanout_per_s",
    "fanout_cpu_us",
    "fanout_arrived",
    "kb_per_connection",
    "ready_s",
)
_COMPARED = {
    **{
        f"gateway_{kind}_{count}_vs_serverless_offline": f"{kind}_{count}_per_s"
        for kind in ("roundtrips", "answers")
        for count in CLIENTS
    },
    "gateway_handshakes_vs_serverless_offline": "handshakes_per_s",
}
