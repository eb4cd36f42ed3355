"""A parser that answers a mistake in two lines, and says what was probably meant."""

import argparse
import difflib
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from typing_extensions import override

_EPILOG = (
    "@FILE stands for the arguments in a file, quoted as in a shell. Behind -- is "
    "neither a file nor an option."
)
# API Gateway's IDs of connections may begin with a dash.
_CONNECTION = re.compile(r"-[\w-]{8,}=", re.ASCII)
_SHORT = re.compile(r"-(h.+|[^-\d.\s]\S*)", re.DOTALL)


class _Paragraphs(argparse.HelpFormatter):
    """Fits each paragraph of a description into the terminal."""

    @override
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            super(_Paragraphs, self)._fill_text(each, width, indent)
            for each in text.split("\n\n")
        )


class Parser(argparse.ArgumentParser):
    """A parser of the command or of one of its commands.

    `@FILE` stands for the arguments in a file, quoted as in a shell.

    Args:
        prog: The words that call it.
        arguments: What follows them, in a few words; `--help` lists the options.
        epilog: What comes below the options.
        fill: Adds its arguments when they are needed, so that no command waits for the
            modules of the others.
        options: Those of `argparse.ArgumentParser`.
    """

    def __init__(
        self,
        prog: str,
        arguments: str,
        *,
        epilog: str = _EPILOG,
        fill: "Callable[[Parser], None] | None" = None,
        **options: Any,
    ) -> None:
        self._fill = fill
        super().__init__(
            prog=prog,
            usage=f"{prog} {arguments}",
            epilog=epilog,
            # What is short for one option today may be short for two tomorrow.
            allow_abbrev=False,
            fromfile_prefix_chars="@",
            formatter_class=_Paragraphs,
            **options,
        )

    @override
    def convert_arg_line_to_args(self, arg_line: str) -> list[str]:
        try:
            return shlex.split(arg_line, comments=True)
        except ValueError as error:
            self.error(f"cannot read the arguments in the line {arg_line!r}: {error}")

    @override
    def _read_args_from_files(self, arg_strings: list[str]) -> list[str]:
        # What stands behind -- is for another program.
        end = _find_end(arg_strings)
        for word in arg_strings[:end]:
            if word.startswith("@") and _is_missing(word[1:]):
                self.error(
                    f"there is no file {word[1:]!r} with arguments; write -- before an "
                    "argument that begins with @"
                )
        read: list[str] = super()._read_args_from_files(arg_strings[:end])
        return read + arg_strings[end:]

    @override
    def parse_known_args(  # type: ignore[override] # of three overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        if self._subparsers is None and args is not None:
            self._refuse_short(args)
        try:
            options, unknown = super().parse_known_args(args, namespace)
        except UnicodeDecodeError as error:
            self.error(f"cannot read the arguments in a file: {error}")
        if unknown:
            strange = [each for each in unknown if each.startswith("-")]
            self.error(self._describe((strange or unknown)[0], is_option=bool(strange)))
        return options, unknown

    @override
    def _parse_optional(self, arg_string: str) -> Any:
        # None stands for an argument that is not an option.
        is_connection = self._is_connection(arg_string)
        return None if is_connection else super()._parse_optional(arg_string)

    def _is_connection(self, word: str) -> bool:
        is_option = word.removesuffix("=") in self._option_string_actions
        return _CONNECTION.fullmatch(word) is not None and not is_option

    @override
    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices or ()
        if value not in choices and (advice := _suggest(str(value), choices)):
            raise argparse.ArgumentError(action, f"there is no {value!r}{advice}")
        super()._check_value(action, value)

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(
            2,
            f"usage: {self.usage} ({self.prog} --help lists the options)\n"
            f"wspubsub: error: {message}\n",
        )

    @override
    def _print_message(self, message: str, file: Any = None) -> None:
        # As argparse does it, except that a disk that is full does not go unnoticed.
        if message and (stream := file or sys.stderr) is not None:
            stream.write(message)

    def _refuse_short(self, words: Sequence[str]) -> None:
        # argparse takes -hello for -h, and a missing argument for the mistake.
        for word in words[: _find_end(words)]:
            is_known = word in self._option_string_actions or self._is_connection(word)
            if _SHORT.fullmatch(word) and not is_known:
                self.error(
                    f"there is no option {word}; write -- before an argument that "
                    "begins with -"
                )

    def _describe(self, word: str, *, is_option: bool) -> str:
        if not is_option:
            return f"{word!r} is one argument too many"
        name = word.partition("=")[0]
        known = [each for each in self._option_string_actions if each[:2] == "--"]
        return f"there is no option {name}{_suggest(name, known)}"


def _suggest(word: str, known: Iterable[str]) -> str:
    words = [*map(str, known)]
    close = [each for each in words if each.startswith(word)]
    close = close or difflib.get_close_matches(word, words, n=3, cutoff=0.65)
    return f"; did you mean {' or '.join(close[:3])}?" if close else ""


def _find_end(words: Sequence[str]) -> int:
    return words.index("--") if "--" in words else len(words)


def _is_missing(path: str) -> bool:
    try:
        return not Path(path).exists()
    except (OSError, ValueError):  # too long, or not a path
        return True
