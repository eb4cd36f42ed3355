"""The user's environment variables, whose values are parameters of the stack."""

import re
from dataclasses import dataclass
from typing import Any

from wspubsub.deployment.template.intrinsics import ref
from wspubsub.errors import UsageError

STAND_IN = "0"
"""What an unknown value is while a module is imported: a text that is a number too."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
# "Lambda environment variables", section "Defined runtime environment variables", and
# those that the template itself sets.
_RESERVED = re.compile(
    r"AWS_(LAMBDA_.*|REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY(_ID)?"
    r"|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_.*"
    r"|WSPUBSUB_(TABLE|ENDPOINT|STREAM|QUEUE)"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that all functions of a template find in their environment.

    Attributes:
        name: Its name, such as `JWKS_URL`.
        default: Its value where the stack is given none; None has the parameter
            required.
        is_secret: Whether CloudFormation never shows the value (`NoEcho`).

    Raises:
        UsageError: Lambda does not take the name, or sets the variable itself.
    """

    name: str
    default: str | None = None
    is_secret: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} is not the name of an environment variable: use "
                "two or more letters, digits and _, beginning with a letter"
            )
        if _RESERVED.fullmatch(self.name):
            raise UsageError(f"the template sets {self.name} itself; leave it out")

    @classmethod
    def parse(cls, text: str) -> "Variable":
        """Return the variable of `NAME` or `NAME=DEFAULT`."""
        name, equals, default = text.partition("=")
        return cls(name, default if equals else None)

    @property
    def parameter(self) -> str:
        """The name of its parameter: `JwksUrl` for `JWKS_URL`."""
        return "".join(word.capitalize() for word in self.name.split("_"))


def parameters(variables: tuple[Variable, ...]) -> dict[str, Any]:
    """Return the template parameters that give variables their values.

    Raises:
        UsageError: Two variables would share a parameter.
    """
    found: dict[str, Any] = {}
    for each in variables:
        if each.parameter in found:
            raise UsageError(
                f"two variables would share the parameter {each.parameter}: "
                "rename one of them"
            )
        found[each.parameter] = {
            "Type": "String",
            "Description": f"Environment variable {each.name}",
            **({} if each.default is None else {"Default": each.default}),
            **({"NoEcho": True} if each.is_secret else {}),
        }
    return found


def make_stand_ins(variables: tuple[Variable, ...]) -> dict[str, str]:
    """Return values for variables that have none before the stack is deployed.

    A module reads them while it is imported, and often expects a number.
    """
    return {each.name: STAND_IN for each in variables if each.default is None}


def environment(variables: tuple[Variable, ...]) -> dict[str, Any]:
    """Return the variables as they stand in a function's environment."""
    return {each.name: ref(each.parameter) for each in variables}
