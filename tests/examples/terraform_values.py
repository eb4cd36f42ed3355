"""Values of Terraform and of CloudFormation, written in the same way.

Both become text in which `${Table.Arn}` is CloudFormation's name of something.
"""

import re
from typing import Any

from tests.examples.terraform import Module, text

Names = dict[str, str]

_INSIDE = re.compile(r"\$\{([^{}]*)\}")
_REPLACE = re.compile(r'replace\((.+), "(.*)", "(.*)"\)')
_OBJECT = re.compile(r"(\w+) = ([^,}]+)")


class Values:
    """What the expressions of a module come to, with its defaults.

    Args:
        module: The module.
        names: What CloudFormation calls what the expressions refer to.
    """

    def __init__(self, module: Module, names: Names) -> None:
        self._module, self._names = module, names

    def of(self, value: Any) -> Any:
        """Return a value without expressions in it."""
        if isinstance(value, list):
            return [self.of(each) for each in value]
        if not isinstance(value, str):
            return value
        if value.startswith("${"):
            return self._expression(value[2:-1])
        return _INSIDE.sub(
            lambda found: str(self._expression(found[1])), text(value)
        ).replace("${FunctionLogs.Arn}:*", "${FunctionLogs.Arn}")

    def _expression(self, expression: str) -> Any:
        if expression in self._names:
            return self._names[expression]
        head, _, name = expression.partition(".")
        if head == "local" and name in self._module.locals:
            return self.of(self._module.locals[name])
        if head == "var" and name in self._module.variables:
            return self.of(self._module.variables[name]["default"])
        return self._call(expression)

    def _call(self, expression: str) -> Any:
        if replaced := _REPLACE.fullmatch(expression):
            return self._expression(replaced[1]).replace(replaced[2], replaced[3])
        if expression.startswith("jsonencode({"):
            return {
                key: int(value) if value.isdecimal() else self._expression(value)
                for key, value in _OBJECT.findall(expression)
            }
        return f"${{{expression}}}"


def of_template(value: Any) -> Any:
    """Return a template's value with its references written as text."""
    if isinstance(value, list):
        return [of_template(each) for each in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(pattern)}:
            return pattern
        case _:
            return {key: of_template(each) for key, each in value.items()}
