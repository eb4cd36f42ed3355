"""Lambda functions of a template, and who may invoke them."""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from wspubsub.deployment.description.parts import EventSource, Function, Permission
from wspubsub.deployment.description.texts import ANYTHING, may_equal, may_match
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.permissions import GATEWAY
from wspubsub.deployment.reading.identities import (
    FUNCTION,
    QUEUE,
    TABLE,
    arn_of,
    name_of,
)
from wspubsub.deployment.reading.network import Network
from wspubsub.deployment.reading.roles import Roles
from wspubsub.deployment.reading.stack import NO_VALUE, Resource
from wspubsub.deployment.reading.values import Values
from wspubsub.deployment.template.storage import PARTIAL_RESPONSES
from wspubsub.dynamodb.log_items import log_partition

DEFAULT_TIMEOUT_SECONDS = 3
"""Timeout of a function for which the template sets none."""

INVOKE = "lambda:invokefunction"
"""What a permission of a function has to allow, in small letters."""

MAPPING = "AWS::Lambda::EventSourceMapping"

_HANDLER = re.compile(r"\w+(\.\w+)+")
_PERMISSION = "AWS::Lambda::Permission"


class Functions:
    """The functions of a template.

    Args:
        values: The template's values.
        folder: Where the template is, for code in folders beside it.
    """

    def __init__(self, values: Values, folder: PurePath | None) -> None:
        self._values = values
        self._stack = values.stack
        self._folder = folder
        self._roles = Roles(values)
        self._network = Network(values)

    def read(self) -> tuple[Function, ...]:
        """Return all functions."""
        invoked = {
            permission.function
            for permission in self.read_permissions()
            if permission.principal != GATEWAY
        } | {each.function for each in self.read_event_sources()}
        return tuple(
            self._read_one(each, is_shared=bool(invoked & {each.name, UNKNOWN}))
            for each in self._stack.of_kind(FUNCTION)
        )

    def find(self, value: object) -> Maybe[str] | None:
        """Return the name of the function that a value names; None if it names none."""
        return self.find_named(self._values.text(value))

    def find_named(self, text: str) -> Maybe[str] | None:
        """Return the name of the function that a text names.

        A function is named by its name, its ARN or part of that, with a version or an
        alias behind it; the address that invokes it contains its ARN.
        """
        is_unsure = False
        for each in self._stack.of_kind(FUNCTION):
            arn = arn_of(each, self._values.text)
            name = name_of(each, self._values.text)
            if _contains(text, arn, name):
                return each.name
            is_unsure = is_unsure or _may_contain(text, arn, name)
        return UNKNOWN if is_unsure or "${?" in text or _is_elsewhere(text) else None

    def read_permissions(self) -> Iterator[Permission]:
        """Yield who may invoke which function."""
        text = self._values.text
        for each in self._stack.of_kind(_PERMISSION):
            if not may_match(text(each.get("Action")).lower(), INVOKE):
                continue
            source = each.get("SourceArn")
            yield Permission(
                function=self.find(each.get("FunctionName")),
                principal=text(each.get("Principal")),
                source="*" if source is None else text(source),
            )

    def read_event_sources(self) -> Iterator[EventSource]:
        """Yield the event source mappings."""
        for each in self._stack.of_kind(MAPPING):
            yield self._read_event_source(each)

    def _read_one(self, each: Resource, *, is_shared: bool) -> Function:
        values = self._values
        handler = self._read_handler(each)
        module, code = self._read_code(each, handler)
        concurrency = each.get("ReservedConcurrentExecutions")
        return Function(
            name=each.name,
            arn=arn_of(each, values.text),
            handler=handler,
            code=code,
            module=module,
            has_layers=each.get("Layers") is not None,
            runtime=values.literal(each.get("Runtime")),
            timeout_seconds=values.number(each.get("Timeout"), DEFAULT_TIMEOUT_SECONDS),
            concurrency=None if concurrency is None else values.number(concurrency, 0),
            recursive_loop=values.literal(each.get("RecursiveLoop"), "Terminate")
            or UNKNOWN,
            variables=self._read_variables(each),
            grants=self._roles.read_grants(each),
            is_cut_off=self._network.is_cut_off(each),
            has_other_events=is_shared,
        )

    def _read_handler(self, each: Resource) -> Maybe[str]:
        handler = self._values.literal(each.get("Handler"))
        if each.get("PackageType") is None and handler is not None:
            return handler
        # An image runs what it says itself, unless the template does.
        config = self._values.mapping(each.get("ImageConfig"))
        if config is UNKNOWN or "EntryPoint" in config:
            return UNKNOWN
        words, _ = self._values.items(config.get("Command"))
        texts = [self._values.text(each) for each in words]
        is_handler = len(texts) == 1 and _HANDLER.fullmatch(texts[0])
        return texts[0] if is_handler else UNKNOWN

    def _read_code(self, each: Resource, handler: Maybe[str]) -> tuple[str | None, str]:
        code = each.get("CodeUri")
        whole = code if code is not None else each.get("Code")
        text = json.dumps([whole, each.get("InlineCode")], default=str, sort_keys=True)
        is_folder = isinstance(code, str) and ":" not in code
        if self._folder is None or not is_folder or not isinstance(handler, str):
            return None, text
        module = handler.rpartition(".")[0].replace(".", "/")
        path = posixpath.join(self._folder.as_posix(), str(code), module)
        return posixpath.normpath(path), text

    def _read_variables(self, each: Resource) -> Maybe[Mapping[str, str]]:
        environment = self._values.mapping(each.get("Environment"))
        if environment is UNKNOWN:
            return UNKNOWN
        variables = self._values.mapping(environment.get("Variables"))
        if variables is UNKNOWN:
            return UNKNOWN
        return {
            str(name): self._values.text(value)
            for name, value in variables.items()
            if value is not None and value != NO_VALUE
        }

    def _read_event_source(self, each: Resource) -> EventSource:
        values = self._values
        source = values.text(each.get("EventSourceArn"))
        types, is_whole = values.items(each.get("FunctionResponseTypes"))
        texts = [values.text(one) for one in types]
        reports = any(may_equal(one, PARTIAL_RESPONSES) for one in texts)
        age = each.get("MaximumRecordAgeInSeconds")
        return EventSource(
            name=each.name,
            function=self.find(each.get("FunctionName")),
            table=self._find_source(source, TABLE),
            queue=self._find_source(source, QUEUE),
            reports_failures=reports or (False if is_whole else UNKNOWN),
            carries_log=log_partition("") in str(each.get("FilterCriteria")),
            window_seconds=values.number(each.get("MaximumBatchingWindowInSeconds"), 0),
            retries=values.number(each.get("MaximumRetryAttempts"), -1),
            record_age_seconds=None if age is None else values.number(age, 0),
            bisects=values.switch(each.get("BisectBatchOnFunctionError")),
            has_destination=self._has_destination(each.get("DestinationConfig")),
            is_enabled=values.switch(each.get("Enabled"), default=True),
        )

    def _find_source(self, source: str, kind: str) -> Maybe[str] | None:
        arns = {
            each.name: arn_of(each, self._values.text)
            for each in self._stack.of_kind(kind)
        }
        for name, arn in arns.items():
            if source == arn or source.startswith(f"{arn}/stream/"):
                return name
        is_unsure = any(
            may_equal(source, arn) or may_equal(source, f"{arn}/stream/{ANYTHING}")
            for arn in arns.values()
        )
        return UNKNOWN if is_unsure or source == ANYTHING else None

    def _has_destination(self, value: object) -> Maybe[bool]:
        config = self._values.mapping(value)
        if config is UNKNOWN:
            return UNKNOWN
        failure = self._values.mapping(config.get("OnFailure"))
        return UNKNOWN if failure is UNKNOWN else bool(failure)


def _contains(text: str, arn: str, name: str) -> bool:
    if text in (name, arn) or text.startswith((f"{name}:", f"{arn}:")):
        return True
    # The address that invokes it, and a part of its ARN.
    return (
        f"/functions/{arn}" in text
        or text.endswith((f":function:{name}", f":{name}"))
        or f":function:{name}:" in text
        or f":function:{name}/" in text
    )


def _may_contain(text: str, arn: str, name: str) -> bool:
    forms = (
        name,
        f"{name}:{ANYTHING}",
        f"{ANYTHING}:function:{name}{ANYTHING}",
    )
    return any(may_equal(text, form) for form in forms) or may_equal(text, arn)


def _is_elsewhere(text: str) -> bool:
    # A function that is there already, by its ARN or its address.
    return ":lambda:" in text and ":function:" in text
