import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import main
from benchmarks.metering import consumed_units
from benchmarks.payload import connection_ids
from benchmarks.place import Place, open_sink
from benchmarks.processes import ROOT
from benchmarks.report import Ratio, Report, Row, table
from benchmarks.rounds import Figures, measure_in_turns, medians, times_as_much
from benchmarks.tables import Column, Table


def test_peers_take_turns() -> None:
    order: list[str] = []

    def measuring(name: str) -> Figures:
        order.append(name)
        return {"wall": float(len(order))}

    measured = measure_in_turns(
        {"a": lambda: measuring("a"), "b": lambda: measuring("b")}, rounds=3
    )

    assert order == ["a", "b", "a", "b", "a", "b"]
    assert measured["b"] == [{"wall": 2.0}, {"wall": 4.0}, {"wall": 6.0}]


def test_a_single_slow_round_does_not_count() -> None:
    rounds = [
        {"cpu": 1.0, "wall": 9.0},
        {"cpu": 2.0, "wall": 3.0},
        {"cpu": 90.0, "wall": 4.0},
    ]

    figures = medians(rounds)

    assert figures == {"cpu": 2.0, "wall": 4.0}


def test_peers_are_compared_round_by_round() -> None:
    # The machine was slow in the second round, for both.
    ours = [{"wall": 1.0}, {"wall": 5.0}, {"wall": 2.0}]
    theirs = [{"wall": 10.0}, {"wall": 60.0}, {"wall": 14.0}]

    assert times_as_much("wall", theirs, ours) == 10.0


def test_a_table_aligns_numbers_right_and_texts_left() -> None:
    rows = [
        Row("ours", {"posts": 10_000, "cpu": 26.04, "verdict": "within"}),
        Row("a missing peer", {"note": "it is not installed"}),
    ]

    assert table(rows).splitlines() == [
        "                 posts  cpu  verdict  note",
        "ours            10,000   26  within",
        "a missing peer                        it is not installed",
    ]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Ratio("r", 31.26, at_least=30), "r = 31.3 (at least 30: reached)"),
        (Ratio("r", 29.0, at_least=30), "r = 29 (at least 30: MISSED)"),
        (Ratio("r", 1.6, at_most=1.6), "r = 1.6 (at most 1.6: reached)"),
        (Ratio("r", 33.0, at_most=32), "r = 33 (at most 32: MISSED)"),
        (Ratio("r", 8123.4, at_least=8000), "r = 8,123 (at least 8000: reached)"),
    ],
)
def test_a_ratio_says_whether_it_is_reached(ratio: Ratio, text: str) -> None:
    assert str(ratio) == text


def test_a_report_is_written_for_machines(tmp_path: Path) -> None:
    report = Report(
        title="t",
        machine={"cores": 2},
        rows=[Row("ours", {"cpu": 1.5})],
        ratios=[Ratio("r", 2.5, at_least=2)],
    )

    report.write_json(tmp_path / "report.json")

    assert json.loads((tmp_path / "report.json").read_text()) == {
        "title": "t",
        "machine": {"cores": 2},
        "rows": [{"name": "ours", "figures": {"cpu": 1.5}}],
        "ratios": {"r": 2.5},
        "bounds": {"r": {"at_least": 2}},
    }


def test_connection_ids_look_like_those_of_api_gateway() -> None:
    ids = connection_ids(1000)

    assert len(set(ids)) == 1000
    assert all(len(each) == 16 and each.endswith("=") for each in ids)


def test_capacity_is_summed_over_tables() -> None:
    one = {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}
    many = {"ConsumedCapacity": [{"CapacityUnits": 2.0}, {"CapacityUnits": 3.0}]}

    assert consumed_units(one) == 0.5
    assert consumed_units(many) == 5.0
    assert consumed_units({}) == 0.0


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with open_sink("built-in") as place:
        yield place


def post(connection_id: str, body: bytes = b"data") -> bytes:
    return (
        f"POST /prod/@connections/{connection_id} HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\ncontent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def exchange(connection: socket.socket, *parts: bytes, answers: int = 1) -> bytes:
    for part in parts:
        connection.sendall(part)
    received = b""
    while received.count(b"\r\n\r\n") < answers:
        data = connection.recv(65_536)
        assert data, "the sink closed the connection"
        received += data
    return received


@pytest.mark.integration
def test_the_sink_counts_what_arrives(place: Place) -> None:
    address = ("127.0.0.1", place.sink.plain_port)

    with socket.create_connection(address, timeout=10) as connection:
        exchange(connection, post("a%3D"))
        exchange(connection, post("a%3D"))
        exchange(connection, post("b%3D", b""))
    arrived = place.sink.arrived(3)
    afterwards = place.sink.arrived(0)

    assert (arrived.requests, arrived.connections) == (3, 2)
    assert (afterwards.requests, afterwards.connections) == (0, 0)


@pytest.mark.integration
def test_the_sink_answers_as_the_management_api_over_tls(place: Place) -> None:
    context = ssl.create_default_context(cafile=place.trust["AWS_CA_BUNDLE"])
    address = ("127.0.0.1", place.sink.tls_port)

    with (
        socket.create_connection(address, timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as connection,
    ):
        answer = exchange(connection, post("a%3D"))
    place.sink.arrived(1)

    head = answer.decode().lower()
    assert head.startswith("http/1.1 200 ok\r\n")
    assert "content-length: 0\r\n" in head
    assert "x-amzn-requestid: " in head


@pytest.mark.integration
def test_the_sink_takes_requests_however_they_are_cut(place: Place) -> None:
    address = ("127.0.0.1", place.sink.plain_port)
    request = post("a%3D", b"12345")

    with socket.create_connection(address, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pieces = (request[:10], request[10:-7], request[-7:-2], request[-2:])
        cut = exchange(connection, *pieces)
        joined = exchange(connection, request + post("b%3D"), answers=2)
    arrived = place.sink.arrived(3)

    assert cut.count(b"HTTP/1.1 200 OK") == 1
    assert joined.count(b"HTTP/1.1 200 OK") == 2
    assert (arrived.requests, arrived.connections) == (3, 2)


@pytest.mark.integration
def test_the_sink_answers_dynamodb_with_no_items(place: Place) -> None:
    address = ("127.0.0.1", place.sink.plain_port)
    request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"

    with socket.create_connection(address, timeout=10) as connection:
        answer = exchange(connection, request)
    place.sink.arrived(1)

    assert answer.endswith(b'\r\n\r\n{"Items":[]}')


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def tiny(name: str, folder: Path) -> dict[str, Any]:
    file = folder / f"{name}.json"
    done = run(name, "--tiny", "--sink", "built-in", "--json", str(file))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(file.read_text())
    assert set(found) == {"title", "machine", "rows", "ratios", "bounds"}
    assert found["ratios"].keys() == found["bounds"].keys()
    for row in found["rows"]:
        assert set(row) == {"name", "figures"}
        assert row["name"] in done.stdout
    return found


def figures_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row["figures"] for row in found["rows"]}


@pytest.mark.integration
def test_an_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    done = run("fan-out")

    assert done.returncode == 2
    assert "fan-out" in done.stderr
    for name in ("fanout", "coldstart", "lag", "publish", "scale", "store"):
        assert name in done.stderr


@pytest.mark.slow
@pytest.mark.integration
def test_all_run_one_after_the_other_and_each_writes_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "benchmarks.__main__.NAMES", dict.fromkeys(("lag", "store", "publish"), "")
    )

    status = main(
        ["all", "--tiny", "--sink", "built-in", "--json", str(tmp_path / "new")]
    )

    assert status == 0
    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == [
        "lag.json",
        "publish.json",
        "store.json",
    ]
    assert "# lag" in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.integration
def test_one_that_fails_does_not_keep_the_others_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "benchmarks.__main__.NAMES", dict.fromkeys(("fan-out", "lag"), "")
    )

    status = main(["all", "--tiny", "--json", str(tmp_path)])

    assert status == 1
    assert (tmp_path / "lag.json").exists()
    assert "failed: fan-out" in capfd.readouterr().err


@pytest.mark.parametrize("others", [["--tiny"], ["--json", "report.json"]])
def test_only_what_was_measured_well_goes_into_the_documentation(
    others: list[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["store", "--docs", *others])


def test_a_table_of_the_documentation_has_the_rows_that_were_measured() -> None:
    table = Table(
        "page.md", "peer", (Column("CPU", "cpu", "{:.1f} ms", 1e3),), prefix="TLS: "
    )
    found = {
        "title": "posts",
        "machine": {"cores": 2},
        "rows": [
            {"name": "TLS: ours", "figures": {"cpu": 0.0015}},
            {"name": "TLS: missing", "figures": {"note": "it is not installed"}},
            {"name": "plain: ours", "figures": {"cpu": 0.001}},
        ],
    }

    assert table.write(found).splitlines() == [
        "| peer | CPU |",
        "| --- | --- |",
        "| ours | 1.5 ms |",
        "",
        "*posts.",
        "cores 2.*",
    ]


@pytest.mark.parametrize(
    ("figure", "text"), [(0.0884, "0.088 s"), (12.4, "12 s"), (103.7, "100 s")]
)
def test_a_figure_is_rounded_without_an_exponent(figure: float, text: str) -> None:
    assert Column("time", "s", "{:g} s", digits=2).write({"s": figure}) == text


@pytest.mark.integration
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured() -> None:
    done = run("store", "--tiny", "--json", "/no/such/folder/report.json")

    assert done.returncode == 2
    assert "/no/such/folder is no folder" in done.stderr


@pytest.mark.slow
@pytest.mark.integration
def test_every_peer_of_fanout_delivers_everything(tmp_path: Path) -> None:
    found = tiny("fanout", tmp_path)

    rows = figures_of(found)
    assert len(rows) == 14
    for name, figures in rows.items():
        if "note" in figures:  # a peer that is not installed
            assert "aiobotocore" in name or "Node" in name
        else:
            assert figures["posts"] == 40
            assert figures["cpu_us_per_post"] > 0
    assert found["ratios"].keys() - {"fanout_cpu_vs_node"} == {
        "fanout_cpu_vs_boto3_pool",
        "outside_lambda_cpu_vs_boto3_pool",
        "fanout_cpu_vs_unsigned",
    }


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric runs on Linux")
def test_every_function_of_coldstart_handles_its_connect(tmp_path: Path) -> None:
    found = tiny("coldstart", tmp_path)

    rows = figures_of(found)
    assert {"wspubsub", "boto3", "no library, no PutItem"} < rows.keys()
    for name, figures in rows.items():
        assert figures.get("wall_ms", 0) > 0 or "Powertools" in name
    assert found["ratios"].keys() == {"coldstart_vs_boto3"}


@pytest.mark.slow
@pytest.mark.integration
def test_every_publisher_delivers_to_all_subscribers(tmp_path: Path) -> None:
    found = tiny("publish", tmp_path)
    rows = figures_of(found)
    not_run = rows.pop("boto3 loop, 60 subscribers")

    assert "not run" in not_run["note"]
    assert {name: figures["delivered"] for name, figures in rows.items()} == {
        "wspubsub, 10 subscribers": 10,
        "boto3 loop, 10 subscribers": 10,
        "wspubsub, 20 subscribers": 20,
        "boto3 loop, 20 subscribers": 20,
        "wspubsub, 40 subscribers": 40,
        "boto3 loop, 40 subscribers": 40,
        "wspubsub, 60 subscribers": 60,
    }
    assert found["ratios"].keys() == {
        "publish_100_vs_loop",
        "publish_1k_vs_loop",
        "publish_10k_vs_loop",
        "publish_memory_growth_mib",
    }
    assert all(figures["peak_mib"] > 1 for figures in rows.values())


@pytest.mark.slow
@pytest.mark.integration
def test_the_store_consumes_no_more_than_it_may(tmp_path: Path) -> None:
    rows = figures_of(tiny("store", tmp_path))

    requests = {name: figures["requests"] for name, figures in rows.items()}
    assert requests["connect"] == 1
    assert requests["subscribe"] == requests["unsubscribe"] == 3
    assert requests["read 1,000 subscribers"] == 1
    for figures in rows.values():
        assert figures.get("verdict", "within") == "within"


@pytest.mark.slow
@pytest.mark.integration
def test_the_memory_of_connected_clients_is_measured(tmp_path: Path) -> None:
    figures = figures_of(tiny("sockets", tmp_path))["wspubsub dev"]

    assert figures["sockets"] == 20
    assert 0 < figures["without_mb"] < figures["gateway_mb"] < 500


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_every_client_of_the_gateway_is_served(tmp_path: Path) -> None:
    found = tiny("gateway", tmp_path)

    rows = figures_of(found)
    assert rows["wspubsub dev"]["fanout_arrived"] == 20
    assert rows["wspubsub dev"]["handshakes_per_s"] > 0
    assert rows["1 client, wspubsub dev"]["roundtrips_per_s"] > 0
    assert rows["50 clients, wspubsub dev"]["answers_per_s"] > 0
    assert found["ratios"].keys() >= {
        "gateway_fanout_per_s",
        "gateway_kb_per_connection",
        "gateway_ready_s",
    }


@pytest.mark.slow
@pytest.mark.integration
def test_a_simulated_publish_asks_for_what_a_real_one_does(tmp_path: Path) -> None:
    rows = figures_of(tiny("scale", tmp_path))

    # The benchmark itself compares how many functions ran, and fails if they differ.
    assert rows["real, 100"]["delivered"] == 100
    assert rows["real, 2,100"]["delivered"] == 2_100
    assert rows["real, 2,100"]["functions"] == 3
    assert rows["queue, 2,100"]["functions"] == 3


@pytest.mark.slow
@pytest.mark.integration
def test_the_lag_of_a_stream_is_simulated(tmp_path: Path) -> None:
    rows = figures_of(tiny("lag", tmp_path))

    joined = rows["20 a second to 500, joined"]
    assert joined["messages"] == 100
    assert joined["longest_s"] < 1.0


@pytest.mark.integration
def test_many_writers_of_a_log_are_simulated(tmp_path: Path) -> None:
    found = tiny("log", tmp_path)

    carried, in_turn = figures_of(found).values()
    assert carried["appends_per_s"] > in_turn["appends_per_s"]
    assert set(found["ratios"]) == {
        "log_appends_vs_before",
        "log_appends_per_s",
        "log_append_p99_s",
    }
