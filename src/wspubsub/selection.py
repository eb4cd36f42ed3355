r"""Route keys, and the expressions that select them, as API Gateway evaluates them.

"Selection expressions in API Gateway" (WebSocket): variables are
`$request.body.path` or `${request.body.path}`, they may be mixed with literals, a
path that is missing gives an empty string, `\$` is a literal dollar, and what comes
out is not evaluated again.
"""

import json
import re
from collections.abc import Container, Iterator

from wspubsub.errors import MessageError, UsageError
from wspubsub.messages import read_json

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
PREDEFINED = (CONNECT, DISCONNECT, DEFAULT)

DEFAULT_EXPRESSION = "$request.body.action"
"""What most WebSocket APIs use, and what the AWS console proposes."""

_PATH = r"""(?:\.[A-Za-z_][\w-]*|\[(?:\d+|'[^']*'|"[^"]*")\])+"""
# Compiled when an expression is not of the simple kind.
_TOKEN = rf"""
      \$\{{request\.body(?P<braced>{_PATH})\}}
    | \$request\.body(?P<bare>{_PATH})
    | \\(?P<escaped>.)
    | (?P<literal>[^$\\]+)
    """
_STEP = r"""\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]"""
_BODY = "$request.body."
_MISSING = object()


class _Variable:
    __slots__ = ("path",)

    def __init__(self, path: tuple[str | int, ...]) -> None:
        self.path = path


class RouteSelectionExpression:
    r"""A parsed route selection expression.

    Args:
        text: For instance `$request.body.action`,
            `${request.body.service}/${request.body.action}` or ``\$default``.

    Raises:
        UsageError: The expression uses a variable that API Gateway does not offer
            for route selection.
    """

    __slots__ = ("_parts", "text")

    def __init__(self, text: str = DEFAULT_EXPRESSION) -> None:
        self.text = text
        self._parts = tuple(_parse(text))

    def __repr__(self) -> str:
        return f"RouteSelectionExpression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RouteSelectionExpression):
            return NotImplemented
        return self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def evaluate(self, body: str) -> str:
        """Return the route key that a message asks for, or an empty text.

        Args:
            body: The message as text. One that is not JSON has no paths, so every
                expression with a variable gives an empty string for it.
        """
        if not any(isinstance(part, _Variable) for part in self._parts):
            return "".join(part for part in self._parts if isinstance(part, str))
        try:
            document = read_json(body)
            return "".join(
                part
                if isinstance(part, str)
                else _stringify(_look_up(document, part.path))
                for part in self._parts
            )
        except (MessageError, RecursionError):
            return ""

    def select(self, body: str, routes: Container[str]) -> str | None:
        """Return which of the routes a message selects, or None.

        What selects no custom route goes to `$default`, and so does a client that asks
        for `$connect` by its name.

        Args:
            body: The message as text.
            routes: The route keys that there are.
        """
        asked = self.evaluate(body)
        if asked in routes and not asked.startswith("$"):
            return asked
        return DEFAULT if DEFAULT in routes else None


def find_own_key(
    selected: str,
    body: str,
    routes: Container[str],
    expression: RouteSelectionExpression,
) -> str | None:
    """Return the route by which a router handles a message, or None.

    Args:
        selected: The route key that API Gateway selected.
        body: The message as text.
        routes: The router's route keys.
        expression: The router's expression.
    """
    if selected.startswith("$") or selected not in routes:
        return expression.select(body, routes)
    return selected


def _parse(text: object) -> Iterator[str | _Variable]:
    if not isinstance(text, str) or not text:
        raise UsageError("a route selection expression must be non-empty text")
    name = text.removeprefix(_BODY)
    if name != text and name.isidentifier() and name.isascii():
        yield _Variable((name,))
        return
    token = re.compile(_TOKEN, re.VERBOSE | re.DOTALL)
    position = 0
    while position < len(text):
        match = token.match(text, position)
        if match is None:
            raise UsageError(
                f"route selection expression {text!r} cannot be read from character "
                f"{position + 1} on; write variables as $request.body.name or "
                "${request.body.name} and a literal dollar as \\$"
            )
        path = match["braced"] or match["bare"]
        yield _Variable(_steps(path)) if path else match["escaped"] or match["literal"]
        position = match.end()


def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(
        int(index) if index else name or single or double
        for name, index, single, double in re.findall(_STEP, path)
    )


def _look_up(value: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step, _MISSING)
        elif isinstance(step, int) and isinstance(value, list):
            value = value[step] if step < len(value) else _MISSING
        else:
            return _MISSING
    return value


def _stringify(value: object) -> str:
    # AWS documents arrays as "[item1, item2]"; numbers, booleans, null and objects
    # are not documented, so they keep their JSON form and null counts as missing.
    if value is _MISSING or value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(_stringify(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
