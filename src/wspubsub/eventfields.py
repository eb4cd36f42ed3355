"""Typed reading of the JSON object that Lambda was invoked with.

An absent key and a null are the same: AWS omitted unset keys in some years and sent
them as null in others. A value of the wrong type is an `EventError` that names it.
"""

import binascii
import math
from collections.abc import Mapping
from typing import Any

from wspubsub.errors import EventError


class Fields:
    """The members of one JSON object of an event.

    Args:
        value: What should be an object.
        path: Where it stands, for error texts.

    Raises:
        EventError: It is not an object.
    """

    __slots__ = ("_members", "_path")

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise EventError(f"{path} must be an object, not {type(value).__name__}")
        self._members = value
        self._path = path

    def __contains__(self, key: str) -> bool:
        return self._members.get(key) is not None

    def value(self, key: str) -> object:
        """Return a member of any type, or None if it is absent."""
        return self._members.get(key)

    def fields(self, key: str) -> "Fields":
        """Return an object member, or an empty one if it is absent."""
        return Fields(self._present(key, {}), f"{self._path}.{key}")

    def mapping(self, key: str | None = None) -> Mapping[str, Any]:
        """Return an object member as it is, or this object itself."""
        return self._members if key is None else self.fields(key).mapping()

    def text(self, key: str) -> str:
        """Return a text member, or an empty text if it is absent."""
        value = self._present(key, "")
        if not isinstance(value, str):
            raise self._wrong(key, "text", value)
        return value

    def require_text(self, key: str) -> str:
        """Return a text member that must be present."""
        text = self.text(key)
        if not text:
            raise EventError(f"{self._path}.{key} is missing")
        return text

    def whole_number(self, key: str) -> int | None:
        """Return a whole number, or None if it is absent."""
        value = self._present(key, None)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int)
        ):
            raise self._wrong(key, "a whole number", value)
        return value

    def milliseconds(self, key: str) -> float:
        """Return in seconds a time that is given in milliseconds; 0.0 if absent."""
        value = self._present(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number", value)
        try:
            seconds = value / 1000
        except OverflowError:
            raise self._wrong(key, "a time", value) from None
        if not math.isfinite(seconds):
            raise self._wrong(key, "a time", value)
        return seconds

    def texts(self, key: str) -> dict[str, str]:
        """Return an object of texts, or an empty one if it is absent."""
        members = self.mapping(key)
        for name, value in members.items():
            if not isinstance(value, str):
                raise self._wrong(f"{key}.{name}", "text", value)
        return dict(members)

    def text_lists(self, key: str) -> dict[str, tuple[str, ...]]:
        """Return an object of lists of texts, or an empty one if it is absent."""
        members = self.mapping(key)
        for name, value in members.items():
            if not isinstance(value, list) or not all(
                isinstance(item, str) for item in value
            ):
                raise self._wrong(f"{key}.{name}", "a list of text values", value)
        return {name: tuple(values) for name, values in members.items()}

    def body(self) -> str:
        """Return the message text, decoded if an emulator sent it as base64."""
        text = self.text("body")
        if self.value("isBase64Encoded") is not True:
            return text
        try:
            return binascii.a2b_base64(text, strict_mode=True).decode()
        except ValueError:
            raise EventError(
                f"{self._path}.body must be base64 of UTF-8 text, since "
                "isBase64Encoded is true"
            ) from None

    def _present(self, key: str, default: object) -> object:
        value = self._members.get(key)
        return default if value is None else value

    def _wrong(self, key: str, wanted: str, value: object) -> EventError:
        return EventError(
            f"{self._path}.{key} must be {wanted}, not {type(value).__name__}"
        )
