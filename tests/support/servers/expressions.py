"""DynamoDB's condition and update expressions, as far as store and log use them."""

import re
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

_TOKEN = re.compile(r"\s*(<=|>=|[()=<>,+]|[#:]?\w+)")


def holds(
    condition: str,
    values: Mapping[str, Item],
    item: Item | None,
    names: Mapping[str, str],
) -> bool:
    """Return whether a condition holds on an item; None stands for no item."""
    return _Condition(condition, values, item or {}, names).read()


def update(request: Mapping[str, Any], key: Item, old: Item | None) -> Item:
    """Return what an UpdateItem makes of an item."""
    expression = request["UpdateExpression"]
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    item, before = dict(old or key), old or {}
    match = re.fullmatch(r"(?:SET (.*?))? ?(?:REMOVE (.*))?", expression)
    assert match is not None, expression
    sets, removes = match.groups()
    for part in re.split(r", (?![^(]*\))", sets or ""):
        if part:
            name, text = part.split(" = ", 1)
            item[names[name]] = _value(text, names, values, before)
    for name in (removes or "").split(", "):
        item.pop(names.get(name, name), None)
    return item


def _value(
    text: str, names: Mapping[str, str], values: Mapping[str, Item], before: Item
) -> Item:
    if " + " in text:
        left, right = (
            _value(each, names, values, before) for each in text.split(" + ")
        )
        return {"N": str(int(left["N"]) + int(right["N"]))}
    match = re.fullmatch(r"if_not_exists\((\S+), (\S+)\)", text)
    if match is None:
        return values[text]
    name, default = match.groups()
    found: Item = before.get(names.get(name, name), values[default])
    return found


class _Condition:
    """A condition that is read from left to right; AND binds more tightly than OR."""

    def __init__(
        self,
        text: str,
        values: Mapping[str, Item],
        item: Item,
        names: Mapping[str, str],
    ) -> None:
        self._tokens: list[str] = _TOKEN.findall(text)
        assert "".join(self._tokens) == text.replace(" ", ""), text
        self._values = values
        self._item = item
        self._names = names

    def read(self) -> bool:
        result = self._either()
        assert not self._tokens, self._tokens
        return result

    def _either(self) -> bool:
        result = self._both()
        while self._tokens[:1] == ["OR"]:
            self._take()
            result = self._both() or result
        return result

    def _both(self) -> bool:
        result = self._one()
        while self._tokens[:1] == ["AND"]:
            self._take()
            result = self._one() and result
        return result

    def _one(self) -> bool:
        token = self._take()
        if token == "(":
            result = self._either()
            self._expect(")")
            return result
        if token in {"attribute_exists", "attribute_not_exists"}:
            self._expect("(")
            is_there = self._name(self._take()) in self._item
            self._expect(")")
            return is_there == (token == "attribute_exists")
        return self._compare(self._item.get(self._name(token)))

    def _compare(self, theirs: Item | None) -> bool:
        operator, operand = self._take(), self._take()
        is_value = operand.startswith(":")
        ours = (self._values if is_value else self._item).get(operand)
        if theirs is None or ours is None or theirs.keys() != ours.keys():
            return False
        ((kind, left),), ((_, right),) = theirs.items(), ours.items()
        if kind == "N":
            left, right = float(left), float(right)
        return bool(
            {
                "=": left == right,
                "<=": left <= right,
                "<": left < right,
                ">": left > right,
            }[operator]
        )

    def _name(self, token: str) -> str:
        return self._names[token] if token.startswith("#") else token

    def _take(self) -> str:
        return self._tokens.pop(0)

    def _expect(self, token: str) -> None:
        found = self._take()
        assert found == token, (found, token)
