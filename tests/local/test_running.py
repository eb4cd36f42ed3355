"""How a command finds the gateways that run on this machine."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from wspubsub.errors import UsageError
from wspubsub.handlers.environ import Surroundings
from wspubsub.local.running import (
    RunningGateway,
    announce,
    find_gateway,
    find_gateways,
)

Environ = Mapping[str, str]


@pytest.fixture
def environ(tmp_path: Path) -> Environ:
    return {"XDG_RUNTIME_DIR": str(tmp_path)}


def make_gateway(port: int = 3001, bundle: Path | None = None) -> RunningGateway:
    return RunningGateway(
        port=port,
        url=f"ws://127.0.0.1:{port}/dev",
        surroundings=Surroundings(
            region="us-east-1",
            management_url=f"http://127.0.0.1:{port}/dev",
            dynamodb_url="http://127.0.0.1:8000",
            is_embedded=True,
            table="wspubsub",
            ca_bundle=bundle,
            own_names=("localhost",),
        ),
    )


@pytest.mark.parametrize("bundle", [None, Path("bundle.pem")])
def test_a_gateway_is_found_while_it_runs(
    environ: Environ, bundle: Path | None
) -> None:
    gateway = make_gateway(bundle=bundle)

    with announce(gateway, environ):
        assert find_gateway(environ=environ) == gateway
        assert find_gateway(3001, environ) == gateway

    assert [*find_gateways(environ)] == []


def test_nobody_else_may_read_the_file(environ: Environ, tmp_path: Path) -> None:
    with announce(make_gateway(), environ):
        [file] = (tmp_path / "wspubsub").iterdir()

        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_without_a_folder_of_the_session_there_is_one_for_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    nowhere = {"XDG_RUNTIME_DIR": str(tmp_path / "nowhere")}

    with announce(make_gateway(), nowhere):
        [folder] = tmp_path.iterdir()

        assert folder.name == f"wspubsub-{os.getuid()}"
        assert find_gateway(environ={}) == make_gateway()


def test_one_of_several_is_chosen_by_its_port(environ: Environ) -> None:
    with announce(make_gateway(3001), environ), announce(make_gateway(3002), environ):
        assert find_gateway(3002, environ) == make_gateway(3002)
        with pytest.raises(UsageError, match="ports 3001, 3002; choose one with"):
            find_gateway(environ=environ)
        with pytest.raises(UsageError, match="on port 3003, but on 3001, 3002"):
            find_gateway(3003, environ)


def test_where_none_runs_the_error_says_how_to_start_one(environ: Environ) -> None:
    with pytest.raises(UsageError, match="no gateway runs; start one with"):
        find_gateway(environ=environ)
    with pytest.raises(UsageError, match="no gateway runs on port 3001; start one"):
        find_gateway(3001, environ)


def test_the_file_of_a_gateway_that_was_killed_is_left_alone(
    environ: Environ, tmp_path: Path
) -> None:
    with announce(make_gateway(), environ):
        file = tmp_path / "wspubsub" / "3001.json"
        text = file.read_text()
    file.write_text(text)

    assert [*find_gateways(environ)] == []
    with announce(make_gateway(), environ):
        assert find_gateway(environ=environ) == make_gateway()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 0}'])
def test_a_file_of_another_kind_is_passed_over(
    environ: Environ, tmp_path: Path, text: str
) -> None:
    with announce(make_gateway(), environ):
        (tmp_path / "wspubsub" / "1.json").write_text(text)

        assert [*find_gateways(environ)] == [make_gateway()]


def test_a_file_with_other_fields_is_passed_over(
    environ: Environ, tmp_path: Path
) -> None:
    with announce(make_gateway(), environ):
        file = tmp_path / "wspubsub" / "3001.json"
        found = json.loads(file.read_text())
        found["surroundings"]["more"] = 1
        file.write_text(json.dumps(found))  # the same file, so it is still locked

        assert [*find_gateways(environ)] == []


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_folder_that_somebody_else_could_have_made_is_not_used(
    environ: Environ, tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "wspubsub").symlink_to(tmp_path / "theirs")

    with pytest.raises(PermissionError, match="belongs to somebody else"):
        announce(make_gateway(), environ).__enter__()
    assert [*find_gateways(environ)] == []
