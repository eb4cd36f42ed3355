from pathlib import Path

import pytest

from wspubsub import UsageError
from wspubsub.handlers.target import Target


def test_a_file_is_deployed_as_its_folder(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "app.py").touch()

    target = Target.parse("chat/app.py:handler", cwd=tmp_path)

    assert target.handler == "app.handler"
    assert target.task_root == tmp_path / "chat"
    assert target.search_path == (tmp_path / "chat", tmp_path)


def test_a_file_in_the_working_directory_needs_one_folder(tmp_path: Path) -> None:
    (tmp_path / "my-app.py").touch()

    target = Target.parse("my-app.py:handler", cwd=tmp_path)

    assert (target.handler, target.search_path) == ("my-app.handler", (tmp_path,))


def test_a_module_is_found_from_the_working_directory(tmp_path: Path) -> None:
    target = Target.parse("package.module:handler", cwd=tmp_path)

    assert target.handler == "package.module.handler"
    assert (target.task_root, target.search_path) == (tmp_path, (tmp_path,))


@pytest.mark.parametrize(
    ("text", "handler"),
    [
        ("app.py", "app.handler"),
        ("app", "app.handler"),
        ("app.handler", "app.handler"),
        ("app:handler", "app.handler"),
        ("app.py:other", "app.other"),
        ("chat.main", "chat.main.lambda_handler"),
        ("chat.main.lambda_handler", "chat.main.lambda_handler"),
        ("chat/main.lambda_handler", "chat.main.lambda_handler"),
        ("chat", "chat.handler"),
    ],
)
def test_each_way_of_naming_a_handler_is_understood(
    tmp_path: Path, text: str, handler: str
) -> None:
    (tmp_path / "app.py").write_text("handler = router = 1")
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "main.py").write_text("def lambda_handler(e, c): ...")
    (tmp_path / "chat" / "__init__.py").write_text("from .main import x as handler")

    target = Target.parse(text, cwd=tmp_path)

    assert target.handler == handler
    assert target.task_root == tmp_path


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("async def handler(event, context): ...", "handler"),
        ("handler: object = 1", "handler"),
        ("from x import lambda_handler", "lambda_handler"),
        ("def broken(:", "handler"),
    ],
)
def test_the_usual_names_of_a_handler_are_looked_for(
    tmp_path: Path, source: str, name: str
) -> None:
    (tmp_path / "app.py").write_text(source)

    assert Target.parse("app.py", cwd=tmp_path).handler == f"app.{name}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("main = 1", "app.py has neither handler nor lambda_handler; say which one"),
        ("handler = lambda_handler = 1", "app.py has both handler and lambda_handler"),
    ],
)
def test_a_handler_that_cannot_be_guessed_must_be_named(
    tmp_path: Path, source: str, reason: str
) -> None:
    (tmp_path / "app.py").write_text(source)

    with pytest.raises(UsageError, match=reason):
        Target.parse("app.py", cwd=tmp_path)


@pytest.mark.parametrize(
    ("source", "root", "handler"),
    [
        ("from . import rules", "", "src.chat.app.handler"),
        ("def f():\n  from .rules import A", "", "src.chat.app.handler"),
        ("from ..common import A", "", "src.chat.app.handler"),
        (
            "try: from .rules import A\nexcept ImportError: pass",
            "src/chat",
            "app.handler",
        ),
        ("import rules", "src/chat", "app.handler"),
    ],
)
def test_a_file_with_relative_imports_is_deployed_with_its_packages(
    tmp_path: Path, source: str, root: str, handler: str
) -> None:
    (tmp_path / "src" / "chat").mkdir(parents=True)
    (tmp_path / "src" / "__init__.py").touch()
    (tmp_path / "src" / "chat" / "app.py").write_text(source)

    target = Target.parse("src/chat/app.py:handler", cwd=tmp_path)

    assert target.handler == handler
    assert target.task_root == tmp_path / root


def test_only_the_folders_of_the_project_are_watched(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "app.py").write_text("from . import rules")

    target = Target.parse("app.py:handler", cwd=tmp_path / "chat")

    assert target.handler == "chat.app.handler"
    assert target.source_folders == (tmp_path / "chat",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not name a handler"),
        (":handler", "does not name a handler"),
        ("app.py", "does not exist"),
        ("nowhere.handler", "no such module is in"),
        ("no package/app.py:handler", "cannot be the name of a module"),
        ("app.py:", "does not name a handler"),
        ("app.py:a.b", "does not name a handler"),
        ("a b:handler", "neither a file nor a module"),
        ("package..module:handler", "neither a file nor a module"),
        ("missing.py:handler", "does not exist"),
        ("folder/module:handler", "does not exist"),
        ("json.py:handler", "module of Python"),
        ("app.v2.py:handler", "cannot be imported"),
        ("folder/app.txt:handler", "cannot be imported"),
    ],
)
def test_what_is_no_handler_is_refused_with_a_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("json.py", "app.v2.py", "folder/app.txt"):
        (tmp_path / name).touch()
    (tmp_path / "no package").mkdir()
    (tmp_path / "no package" / "app.py").write_text("from . import rules")

    with pytest.raises(UsageError, match=reason):
        Target.parse(text, cwd=tmp_path)
