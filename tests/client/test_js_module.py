"""The JavaScript module as a package: its size, its types, its name."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

import wspubsub
from tests.support.javascript import MODULE, SCRIPTS, run_node, run_tool
from tests.support.sdks.driver import find_modules
from wspubsub.client.hub import PING_METHOD

MAX_BYTES = 2048  # compressed
FILES = ("index.js", "index.d.ts", "package.json")
slow = pytest.mark.slow
integration = pytest.mark.integration


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a user's own in which npm has installed both packages."""
    modules = tmp_path / "node_modules"
    (modules / "wspubsub").mkdir(parents=True)
    for name in FILES:
        shutil.copy(MODULE / name, modules / "wspubsub")
    for path in Path(find_modules()).iterdir():
        (modules / path.name).symlink_to(path)
    return tmp_path


def test_both_clients_call_the_same_method_for_a_sign_of_life() -> None:
    assert f'.rpc("{PING_METHOD}")' in (MODULE / "index.js").read_text()


@integration
@slow
def test_it_is_small() -> None:
    # Comments are for readers; what a page's bundler makes of the module has none.
    minified = run_tool("esbuild", "--minify", "--format=esm", str(MODULE / "index.js"))

    size = len(gzip.compress(minified.encode(), 9))

    print(f"minified by esbuild, gzip -9: {size} bytes")  # noqa: T201 - with -s
    assert size <= MAX_BYTES


def test_it_needs_and_imports_nothing() -> None:
    package = json.loads((MODULE / "package.json").read_text())
    source = (MODULE / "index.js").read_text()

    assert not {"dependencies", "optionalDependencies"} & package.keys()
    assert "import" not in source
    assert "require" not in source


def test_it_has_the_version_of_the_library() -> None:
    package = json.loads((MODULE / "package.json").read_text())

    assert package["version"] == wspubsub.__version__


def test_what_the_package_names_is_there() -> None:
    package = json.loads((MODULE / "package.json").read_text())
    exported = package["exports"]["."]

    named = [*exported.values(), package["types"], *package["files"]]

    assert all((MODULE / name).is_file() for name in named)
    assert {path.name for path in MODULE.iterdir()} == set(FILES)


@integration
@slow
def test_it_is_imported_by_its_name(project: Path) -> None:
    script = project / "look.mjs"
    script.write_text(
        'import * as all from "wspubsub";console.log(JSON.stringify(Object.keys(all)))'
    )

    assert run_node(script) == ["PubSubClient"]


@integration
@slow
def test_its_types_are_those_of_an_application(project: Path) -> None:
    shutil.copy(SCRIPTS / "typed.ts", project)

    run_tool(
        "tsc",
        *("--noEmit", "--strict", "--exactOptionalPropertyTypes"),
        *("--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"),
        str(project / "typed.ts"),
    )
