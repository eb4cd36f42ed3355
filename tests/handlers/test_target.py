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
    ("text", "reason"),
    [
        ("", "does not name a handler"),
        (":handler", "does not name a handler"),
        ("app.py", "does not name a handler"),
        ("app.py:", "does not name a handler"),
        ("app.py:a.b", "does not name a handler"),
        ("a b:handler", "neither a Python file nor a module"),
        ("package..module:handler", "neither a Python file nor a module"),
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

    with pytest.raises(UsageError, match=reason):
        Target.parse(text, cwd=tmp_path)
