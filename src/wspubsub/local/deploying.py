"""Makes functions of the handlers that the settings of a gateway name."""

from dataclasses import replace
from itertools import chain, count

from wspubsub.faults import Faults
from wspubsub.gateway import Function
from wspubsub.handlers.environ import Surroundings, function_environ
from wspubsub.handlers.target import Target
from wspubsub.local.clock import Clock
from wspubsub.local.functions.deployed import DeployedFunctions
from wspubsub.local.functions.environment import FunctionSettings, OutputHandler
from wspubsub.local.functions.fleet import Fleet
from wspubsub.local.settings import LocalSettings

DEBUGGING_SECONDS = 86_400.0
"""How long a function may stand still under a debugger: longer than anybody looks."""


def deploy_functions(
    functions: DeployedFunctions,
    settings: LocalSettings,
    surroundings: Surroundings,
    on_output: OutputHandler,
    *,
    faults: Faults,
    clock: Clock,
) -> None:
    """Add all functions, and say which routes they handle."""
    targets = {Function.HANDLER.value: settings.target}
    for route_key, target in settings.functions.items():
        name = _find_name(targets, target) or _new_name(targets, target)
        targets[name] = target
        functions.assign(route_key, name)
    if settings.authorizer is not None:
        targets[Function.AUTHORIZER.value] = settings.authorizer
    for name, target in targets.items():
        fleet = Fleet(
            _function_settings(settings, surroundings, name, target, clock),
            max_environments=1 if settings.is_debugged else settings.max_environments,
            on_output=on_output,
            faults=faults,
        )
        functions.add(name, fleet)


def _find_name(targets: dict[str, Target], wanted: Target) -> str | None:
    for name, target in targets.items():
        if (target.handler, target.task_root) == (wanted.handler, wanted.task_root):
            return name
    return None


def _new_name(targets: dict[str, Target], target: Target) -> str:
    taken = {*targets, Function.AUTHORIZER.value}
    name = target.handler.replace(".", "-")
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if each not in taken)


def _function_settings(
    settings: LocalSettings,
    surroundings: Surroundings,
    name: str,
    target: Target,
    clock: Clock,
) -> FunctionSettings:
    config = settings.config
    function = FunctionSettings(
        name=name,
        arn=f"arn:aws:lambda:{config.region}:{config.account_id}:function:{name}",
        environ=function_environ(
            settings.environ,
            surroundings,
            name=name,
            target=target,
            memory_mb=settings.memory_mb,
        ),
        task_root=target.task_root,
        runtime=settings.runtime,
        timeout_seconds=settings.timeout_seconds,
        memory_mb=settings.memory_mb,
        clock=clock,
    )
    if not settings.is_debugged:
        return function
    return replace(
        function,
        timeout_seconds=DEBUGGING_SECONDS,
        init_seconds=DEBUGGING_SECONDS,
        is_debugged=True,
        terminal=settings.terminal,
    )
