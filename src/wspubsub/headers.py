"""HTTP headers as API Gateway passes them to Lambda.

API Gateway keeps the casing that the client sent, so a lookup must not depend on it
(RFC 9110 §5.1: field names are case-insensitive).
"""

from collections.abc import Iterable, Iterator, Mapping


class Headers(Mapping[str, str]):
    """Read-only headers, found in any case; a repeated one gives its last value.

    Args:
        values: Header names and all the values of each.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Iterable[str]]) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        for name, several in values.items():
            known = self._values.get(name.lower(), ())
            if all_ := known + tuple(several):
                self._values[name.lower()] = all_

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a header in the order sent; may be empty."""
        return self._values.get(name.lower(), ())

    def elements(self, name: str) -> tuple[str, ...]:
        """Return the elements of a comma-separated header (RFC 9110 §5.6.1)."""
        parts = (part.strip() for value in self.all(name) for part in value.split(","))
        return tuple(part for part in parts if part)
