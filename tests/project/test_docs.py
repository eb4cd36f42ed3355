"""The documentation says what the code is: names, layers, modules, links."""

import dataclasses
import doctest
import importlib
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import wspubsub
from tests.support.servers.gateways import dev
from wspubsub import ConnectEvent, DisconnectEvent, MessageEvent, WspubsubError
from wspubsub.cli import live_options
from wspubsub.cli.parser import make_parser
from wspubsub.testing import GatewayConfig

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *ROOT.glob("examples/**/*.md"),
    ]
)
COMMANDS = (
    *live_options.COMMANDS,
    "dev",
    "run",
    "demo",
    "create-table",
    "template",
    "check",
)
CONTENTS = ("tutorial", "how-to", "reference", "explanation")
AREAS = {
    "wspubsub": "core.md",
    "wspubsub.aws": "aws.md",
    "wspubsub.client": "client.md",
    "wspubsub.deployment": "deployment.md",
    "wspubsub.dynamodb": "dynamodb.md",
    "wspubsub.eventsources": "fanout.md",
    "wspubsub.fanout": "fanout.md",
    "wspubsub.monitoring": "monitoring.md",
    "wspubsub.testing": "testing.md",
}


@pytest.mark.parametrize(("area", "page"), AREAS.items())
def test_every_public_name_stands_in_the_reference(area: str, page: str) -> None:
    module = importlib.import_module(area)
    documented = _documented(page) | _documented("errors.md")

    missing = {f"{area}.{name}" for name in module.__all__} - documented

    assert not missing


def test_every_error_class_stands_on_the_errors_page() -> None:
    errors = {
        f"{area}.{name}"
        for area in AREAS
        for name, value in vars(importlib.import_module(area)).items()
        if isinstance(value, type) and issubclass(value, WspubsubError)
    }

    missing = errors - _documented("errors.md")

    assert not missing


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    page = (DOCS / "reference/errors.md").read_text()
    tree = page.split("```text\n")[1].split("```")[0]
    drawn = dict(_drawn_tree(tree))

    actual = {
        name: value.__mro__[1].__name__
        for name, value in vars(wspubsub).items()
        if isinstance(value, type) and issubclass(value, WspubsubError)
    }

    assert drawn == {**actual, "WspubsubError": ""}
    docstring = wspubsub.errors.__doc__ or ""
    assert dedent(docstring.partition("::\n")[2]).strip() == tree.strip()


def test_the_table_of_event_attributes_is_complete() -> None:
    common = set.intersection(
        *(
            {field.name for field in dataclasses.fields(kind)}
            for kind in (ConnectEvent, MessageEvent, DisconnectEvent)
        )
    )

    listed = set(_first_column((DOCS / "reference/core.md").read_text()))

    assert common | {"principal"} == listed


def test_the_layers_for_contributors_are_those_that_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    checked = [
        set(layer.split(" | "))
        for contract in contracts
        if contract["type"] == "layers"
        for layer in contract["layers"]
    ]

    table = (ROOT / "CONTRIBUTING.md").read_text().split("| layer |")[1]
    written = [
        set(re.findall(r"`(\w+)`", line.split("|")[1]))
        for line in table.splitlines()[2:]
        if line.startswith("|")
    ]

    assert written == checked


def test_the_files_and_methods_that_the_architecture_names_exist() -> None:
    page = (DOCS / "explanation/architecture.md").read_text()
    files = set(re.findall(r"`(wspubsub/[\w/]+\.py)`", page))
    methods = set(re.findall(r"`([A-Z]\w+)\.(\w+)`", page))
    sources = [path.read_text() for path in (ROOT / "src").rglob("*.py")]

    assert [each for each in files if not (ROOT / "src" / each).exists()] == []
    assert [
        f"{owner}.{method}"
        for owner, method in methods
        if not any(
            re.search(rf"^class {owner}\b", text, re.MULTILINE)
            and re.search(rf"^    (async )?def {method}\b", text, re.MULTILINE)
            for text in sources
        )
    ] == []
    assert len(files) > 10
    assert len(methods) > 5


def test_every_module_says_what_it_is_for() -> None:
    tables = runpy.run_path(str(ROOT / "scripts/list-modules"))["list_modules"]()

    listed = dict(re.findall(r"^\| `(.+\.py)` \| (.*) \|$", tables, re.MULTILINE))

    modules = (ROOT / "src").rglob("wspubsub/**/[!_]*.py")
    assert listed.keys() == {
        module.relative_to(ROOT / "src").as_posix() for module in modules
    }
    assert all(listed.values())


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", text)

    broken = [
        target
        for target in targets
        if not target.startswith(("http://", "https://"))
        and not (page.parent / target).exists()
    ]

    assert not broken


def test_language_models_are_shown_every_page_that_the_contents_list() -> None:
    pages = [page for area in CONTENTS for page in _contents(area)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    root = f"{project['urls']['Repository']}/raw/main/docs"

    listed = re.findall(r"^- \[(.+)\]\((.+)\): .+$", _llms(), re.MULTILINE)

    assert listed == [
        (_title(page), f"{root}/{page.relative_to(DOCS).as_posix()}") for page in pages
    ]


def test_what_language_models_are_shown_has_the_sections_of_the_contents() -> None:
    headings = re.findall(r"^## (.+)$", _llms(), re.MULTILINE)

    assert headings == [_title(DOCS / area / "index.md") for area in CONTENTS]
    assert _llms().startswith("# wspubsub\n\n> ")


def test_every_command_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    documented = set(re.findall(r"^## `wspubsub ([\w-]+)`", _cli_page(), re.MULTILINE))

    commands = re.findall(r"^    ([\w-]+)", _help(capsys), re.MULTILINE)

    assert commands
    assert documented == set(commands)


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_option_has_help_and_is_on_the_page(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    heading = f"## `wspubsub {command[0]}`" if command else "# Command line"
    section = re.split(r"^## ", _cli_page().split(heading)[1], flags=re.MULTILINE)[0]
    if command and command[0] in live_options.COMMANDS:
        section += _cli_page().split("## Where a command looks")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `(--[\w-]+)", section, re.MULTILINE))

    entries = re.split(r"^  (?=-)", _help(capsys, *command), flags=re.MULTILINE)[1:]

    helps = {
        _option(entry): re.split(r"\s{2,}", entry, maxsplit=1) for entry in entries
    }
    assert documented - {"--help"} == helps.keys() - {"--help"}
    assert all(len(parts) == 2 and parts[1].strip() for parts in helps.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_defaults_on_the_page_are_those_of_the_parser(command: str) -> None:
    page = _cli_page().split(f"## `wspubsub {command}`")[1]
    section = re.split(r"^## ", page, flags=re.MULTILINE)[0]
    written = re.findall(
        r"^\| `--([\w-]+)[^|]*\| (?:`([^|`]+)`|(off|-?\d+)) \|", section, re.MULTILINE
    )
    parsed = vars(make_parser().parse_args([command, *_OPERANDS[command]]))

    differing = {
        name: (text or number, parsed[name.replace("-", "_")])
        for name, text, number in written
        if not _is_default(text or number, parsed[name.replace("-", "_")])
    }

    assert not differing


def test_every_switch_of_the_gateway_is_in_its_table() -> None:
    text = (DOCS / "reference/local-gateway.md").read_text()
    table = text.split("| question | switch | default |")[1].split("\n\n")[0]

    switches = set(re.findall(r"\| `(\w+)` \|", table))

    assert switches == _switches_of_the_docstring()


def test_examples_in_docstrings_run() -> None:
    areas = [importlib.import_module(area) for area in AREAS]
    # Some are loaded only when they are asked for.
    names = {name: getattr(area, name) for area in areas for name in area.__all__}
    with_examples = [
        path.relative_to(ROOT / "src").with_suffix("").as_posix().replace("/", ".")
        for path in (ROOT / "src/wspubsub").rglob("*.py")
        if ">>> " in path.read_text()
    ]

    results = [
        doctest.testmod(importlib.import_module(name), extraglobs=names)
        for name in with_examples
    ]

    assert all(each.attempted and not each.failed for each in results), results


@pytest.mark.slow
def test_the_examples_of_the_readme_need_no_other_page() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.returncode == 0, run.stdout


@pytest.mark.integration
def test_the_first_handler_of_the_tutorial_answers(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_tutorial_blocks("python")[0])

    with (
        dev("app.py:handler", cwd=tmp_path) as gateway,
        gateway.client() as client,
    ):
        client.send("hello")
        answer = client.recv(timeout=10)

    assert answer == "you said: hello"


@pytest.mark.integration
def test_the_app_of_the_tutorial_says_what_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_tutorial_blocks("python")[1])
    shown = _tutorial_blocks("text")[1].splitlines()

    with dev("app.py:handler", cwd=tmp_path) as gateway, gateway.client() as client:
        said = []
        for line in shown[::2]:
            client.send(line.removeprefix("> "))
            said += [line, f"< {client.recv(timeout=10)!s}"]

    assert said == shown


def _tutorial_blocks(language: str) -> list[str]:
    text = (DOCS / "tutorial/first-app.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _llms() -> str:
    return (DOCS / "llms.txt").read_text()


def _contents(area: str) -> list[Path]:
    text = (DOCS / area / "index.md").read_text()
    tree = text.split("```{toctree}\n")[1].split("```")[0]
    names = [line for line in tree.splitlines() if line and not line.startswith(":")]
    return [DOCS / area / f"{name}.md" for name in names]


def _title(page: Path) -> str:
    return page.read_text().partition("\n")[0].removeprefix("# ")


def _cli_page() -> str:
    return (DOCS / "reference/cli.md").read_text()


def _help(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        make_parser().parse_args([*command, "--help"])
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


def _option(entry: str) -> str:
    return str(re.findall(r"--[\w-]+", entry)[0])


def _switches_of_the_docstring() -> set[str]:
    """Return the last group of attributes, which the docstring calls switches."""
    attributes = (GatewayConfig.__doc__ or "").split("Raises:")[0]
    names = re.findall(r"^        (\w+): ", attributes, re.MULTILINE)
    return set(names[names.index("max_buffer_bytes") :])


def _documented(page: str) -> set[str]:
    text = (DOCS / "reference" / page).read_text()
    return set(re.findall(r"^\.\. (?:auto\w+|py:data):: ([\w.]+)", text, re.MULTILINE))


_OPERANDS = {
    "dev": ["app.py:handler"],
    "run": ["python"],
    "connections": [],
    "topics": [],
    "subscribers": ["news"],
    "presence": ["news"],
    "history": ["news"],
    "tail": ["news"],
    "publish": ["news", "hi"],
    "post": ["a=", "hi"],
    "disconnect": ["a="],
    "demo": [],
    "create-table": ["chat"],
    "template": ["app.py:handler"],
    "check": ["template.yaml", "app.py:handler"],
}


def _is_default(text: str, value: object) -> bool:
    if isinstance(value, bool):
        return text == "off" and not value
    return text == (f"{value:g}" if isinstance(value, int | float) else str(value))


def _drawn_tree(tree: str) -> Iterator[tuple[str, str]]:
    """Yield each error with the one that it hangs from."""
    above: list[str] = []
    for line in tree.splitlines():
        match = re.match(r"([│├└─ ]*)(\w+)", line)
        if match:
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            yield match[2], above[depth - 1] if depth else ""


def _first_column(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
