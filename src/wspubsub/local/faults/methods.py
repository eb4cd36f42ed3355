"""What the inspector's page may do to make things fail."""

from collections.abc import Callable, Mapping
from typing import Any

from wspubsub.errors import UsageError
from wspubsub.local.apigateway.shell import GatewayShell
from wspubsub.local.faults.shaking import Shaking
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.inspector.methods import (
    Json,
    Method,
    MethodError,
    read_number,
    read_text,
)

MAX_RATE = 1e9
"""Most bytes a second of a client that is slow on request."""


def make_methods(
    shaking: Shaking, shell: GatewayShell, functions: DeployedFunctions
) -> Mapping[str, Method]:
    """Return the methods by name.

    Args:
        shaking: The rules.
        shell: The clients.
        functions: The functions.
    """

    def set_faults(arguments: Json) -> Json:
        try:
            shaking.set_rules(arguments.get("rules"))
        except UsageError as error:
            raise MethodError(str(error)) from None
        return shaking.describe()

    async def kill(_arguments: Json) -> Json:
        return {"killed": await functions.kill()}

    def slow(arguments: Json) -> Json:
        rate: float | None = None
        if arguments.get("bytes_per_second") is not None:
            rate = read_number(
                arguments, "bytes_per_second", default=0, least=1, most=MAX_RATE
            )
        return _for_connection(lambda id_: shell.slow_connection(id_, rate))(arguments)

    return {
        "slow": slow,
        "faults": lambda _arguments: shaking.describe(),
        "set_faults": set_faults,
        "kill": kill,
        "close": _for_connection(shell.close_connection),
        "drop": _for_connection(shell.drop_connection),
    }


def _for_connection(act: Callable[[str], bool]) -> Callable[[Json], dict[str, Any]]:
    def do(arguments: Json) -> Json:
        connection_id = read_text(arguments, "connection")
        if not act(connection_id):
            raise MethodError(f"there is no connection {connection_id}", status=404)
        return {}

    return do
