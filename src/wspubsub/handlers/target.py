"""How a user names a handler, and what that means on Lambda.

Four forms: `app.py`, `app.py:handler`, `app:handler`, and `app.handler`, which is what
Lambda is configured with.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wspubsub.errors import UsageError

FORMS = "FILE.py:NAME or MODULE:NAME, such as examples/chat/app.py:handler"
USUAL_NAMES = ("handler", "lambda_handler")
"""What is looked for in a module if no name is given."""

_MODULE = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A handler and where its module is found.

    Attributes:
        text: As the user wrote it.
        handler: What Lambda is configured with: `module.function`.
        task_root: What would be the deployed folder (`LAMBDA_TASK_ROOT`).
        search_path: Folders that its modules are imported from.
        source_folders: Folders that hold the user's source files.
    """

    text: str
    handler: str
    task_root: Path
    search_path: tuple[Path, ...]
    source_folders: tuple[Path, ...]

    @classmethod
    def parse(cls, text: str, *, cwd: Path) -> "Target":
        """Return the target that `examples/app.py:handler` or `app.main:handler` means.

        A file is found in its own folder, as if that were deployed; if it has relative
        imports, the folder of its package is. A module is found from the working
        directory. Without a name, it is `handler` or `lambda_handler`.

        Raises:
            UsageError: It cannot be one; the text says why.
        """
        place, name = _split(text, cwd)
        if place.endswith(".py") or "/" in place or os.sep in place:
            return _file_target(text, cwd / place, name, cwd)
        if not _MODULE.fullmatch(place):
            raise UsageError(f"{place!r} is neither a file nor a module; use {FORMS}")
        found = name or _usual_name(text, _module_file(place, cwd))
        return cls(
            text=text,
            handler=f"{place}.{found}",
            task_root=cwd,
            search_path=(cwd,),
            source_folders=(cwd,),
        )


def _split(text: str, cwd: Path) -> tuple[str, str | None]:
    """Return the file or module, and the name in it if the text has one."""
    if text.endswith(".py"):
        return text, None
    place, colon, name = text.rpartition(":")
    if colon:
        if not place or not name.isidentifier():
            raise UsageError(f"{text!r} does not name a handler; use {FORMS}")
        return place, name
    if _module_file(text, cwd) is not None:
        return text, None
    module, dot, name = text.rpartition(".")
    # As Lambda and its tools write it: `app.handler`, and `src/app.handler` too.
    module = module.replace("/", ".")
    if dot and name.isidentifier() and _module_file(module, cwd) is not None:
        return module, name
    raise UsageError(
        f"{text!r} does not name a handler, and no such module is in {cwd}; use {FORMS}"
    )


def _module_file(module: str, cwd: Path) -> Path | None:
    if not _MODULE.fullmatch(module):
        return None
    path = cwd.joinpath(*module.split("."))
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((each for each in candidates if each.is_file()), None)


def _usual_name(text: str, path: Path | None) -> str:
    defined = set(_top_level_names(path))
    found = [name for name in USUAL_NAMES if name in defined]
    if len(found) == 1:
        return found[0]
    first, second = USUAL_NAMES
    problem = f"both {first} and {second}" if found else f"neither {first} nor {second}"
    raise UsageError(f"{text} has {problem}; say which one to run: {text}:NAME")


def _top_level_names(path: Path | None) -> Iterator[str]:
    module = _parse(path)
    if module is None:
        yield USUAL_NAMES[0]  # whoever imports it says what is wrong with it
        return
    for each in module.body:
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (one.id for one in targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.ImportFrom(names=names):
                yield from (one.asname or one.name for one in names)
            case _:
                pass


def _parse(path: Path | None) -> ast.Module | None:
    try:
        return None if path is None else ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _file_target(text: str, path: Path, name: str | None, cwd: Path) -> Target:
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"file {path} does not exist")
    if path.suffix != ".py" or "." in path.stem:
        raise UsageError(f"{path.name} cannot be imported; rename it to NAME.py")
    packages = _packages(path)
    if not packages and path.stem in sys.stdlib_module_names:
        raise UsageError(
            f"{path.name} has the name of a module of Python's standard "
            "library; rename it"
        )
    module = ".".join([*(folder.name for folder in packages), path.stem])
    root = packages[0].parent if packages else path.parent
    if packages and not _MODULE.fullmatch(module):
        raise UsageError(
            f"{path.name} has relative imports, but {module!r} cannot be the name of a "
            "module; rename the folder"
        )
    return Target(
        text=text,
        handler=f"{module}.{name or _usual_name(text, path)}",
        task_root=root,
        search_path=(root,) if root == cwd else (root, cwd),
        source_folders=tuple(dict.fromkeys((packages[0] if packages else root, cwd))),
    )


def _packages(path: Path) -> list[Path]:
    """Return the folders that are packages to a file with relative imports."""
    module = _parse(path)
    depth = max(_import_levels(module), default=0) if module else 0
    if depth == 0:
        return []
    folders = [*path.parents]
    while depth < len(folders) - 1 and (folders[depth] / "__init__.py").is_file():
        depth += 1
    return [*reversed(folders[:depth])]


def _import_levels(node: ast.AST) -> Iterator[int]:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ImportFrom):
            yield each.level
        elif not isinstance(each, ast.Try):  # what fails there is caught
            yield from _import_levels(each)
