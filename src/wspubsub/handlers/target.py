"""`MODULE_OR_FILE:HANDLER`, as Lambda understands it."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from wspubsub.errors import UsageError

_MODULE = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A handler and where its module is found.

    Attributes:
        text: As the user wrote it.
        handler: What Lambda is configured with: `module.function`.
        task_root: What would be the deployed folder (`LAMBDA_TASK_ROOT`).
        search_path: Folders that its modules are imported from.
    """

    text: str
    handler: str
    task_root: Path
    search_path: tuple[Path, ...]

    @classmethod
    def parse(cls, text: str, *, cwd: Path) -> "Target":
        """Return the target that `examples/app.py:handler` or `app.main:handler` means.

        A file is found in its own folder, as if that were deployed; a module is found
        from the working directory.

        Raises:
            UsageError: It cannot be one; the text says why.
        """
        place, separator, function = text.rpartition(":")
        if not separator or not place or not function.isidentifier():
            raise UsageError(
                f"{text!r} does not name a handler; use FILE.py:FUNCTION or "
                "MODULE:FUNCTION, such as examples/chat/app.py:handler"
            )
        if place.endswith(".py") or "/" in place or os.sep in place:
            return _file_target(text, cwd / place, function, cwd)
        if not _MODULE.fullmatch(place):
            raise UsageError(
                f"{place!r} is neither a Python file nor a module name; use "
                "FILE.py:FUNCTION or MODULE:FUNCTION"
            )
        return cls(
            text=text,
            handler=f"{place}.{function}",
            task_root=cwd,
            search_path=(cwd,),
        )


def _file_target(text: str, path: Path, function: str, cwd: Path) -> Target:
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"file {path} does not exist")
    if path.suffix != ".py" or "." in path.stem:
        raise UsageError(f"{path.name} cannot be imported; rename it to NAME.py")
    if path.stem in sys.stdlib_module_names:
        raise UsageError(
            f"{path.name} has the name of a module of Python's standard "
            "library; rename it"
        )
    folder = path.parent
    return Target(
        text=text,
        handler=f"{path.stem}.{function}",
        task_root=folder,
        search_path=(folder,) if folder == cwd else (folder, cwd),
    )
