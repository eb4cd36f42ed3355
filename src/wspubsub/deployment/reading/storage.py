"""Tables, queues and the keys of one's own that they are encrypted with."""

from collections.abc import Mapping

from wspubsub.deployment.description.grants import Grants, Statement
from wspubsub.deployment.description.parts import Key, Queue, Table
from wspubsub.deployment.description.texts import ANYTHING, is_known
from wspubsub.deployment.description.unknown import UNKNOWN, Maybe
from wspubsub.deployment.reading.identities import (
    KEY,
    QUEUE,
    TABLE,
    arn_of,
    attribute_of,
    name_of,
    reference_to,
)
from wspubsub.deployment.reading.roles import read_effect
from wspubsub.deployment.reading.stack import Resource, as_list, as_mapping
from wspubsub.deployment.reading.values import Values

# Of a queue that has none in the template.
_VISIBILITY_TIMEOUT = 30
_VIEW = "NEW_AND_OLD_IMAGES"


class Storage:
    """The tables and queues of a template.

    Args:
        values: The template's values.
    """

    def __init__(self, values: Values) -> None:
        self._values = values

    def read_tables(self) -> tuple[Table, ...]:
        """Return all tables."""
        return tuple(map(self._read_table, self._values.stack.of_kind(TABLE)))

    def read_queues(self) -> tuple[Queue, ...]:
        """Return all queues."""
        return tuple(map(self._read_queue, self._values.stack.of_kind(QUEUE)))

    def _read_table(self, each: Resource) -> Table:
        values = self._values
        ttl = values.mapping(each.get("TimeToLiveSpecification"))
        sse = as_mapping(each.get("SSESpecification"))
        is_on: Maybe[bool] = UNKNOWN
        attribute: Maybe[str] | None = UNKNOWN
        if ttl is not UNKNOWN:
            is_on = values.switch(ttl.get("Enabled"), default=bool(ttl))
            attribute = values.literal(ttl.get("AttributeName"))
        return Table(
            name=each.name,
            table_name=name_of(each, values.text),
            arn=arn_of(each, values.text),
            stream_arn=attribute_of(each, "StreamArn", values.text),
            keys=self._read_keys(each),
            key_types=self._read_types(each),
            has_ttl=is_on,
            ttl_attribute=attribute,
            stream_view=self._read_stream(each),
            key=self._find_key(_find_key_id(each, sse)),
        )

    def _read_keys(self, each: Resource) -> Maybe[tuple[tuple[str, str], ...]]:
        items, is_whole = self._values.items(each.get("KeySchema"))
        found = [
            (
                self._values.text(as_mapping(key).get("AttributeName")),
                self._values.text(as_mapping(key).get("KeyType")),
            )
            for key in items
        ]
        is_whole = is_whole and all(is_known(part) for pair in found for part in pair)
        return tuple(found) if is_whole else UNKNOWN

    def _read_types(self, each: Resource) -> Maybe[Mapping[str, str]]:
        items, is_whole = self._values.items(each.get("AttributeDefinitions"))
        found = {
            self._values.text(as_mapping(one).get("AttributeName")): self._values.text(
                as_mapping(one).get("AttributeType")
            )
            for one in items
        }
        known = all(map(is_known, [*found, *found.values()]))
        return found if is_whole and known else UNKNOWN

    def _read_stream(self, each: Resource) -> Maybe[str] | None:
        stream = self._values.mapping(each.get("StreamSpecification"))
        if stream is UNKNOWN:
            return UNKNOWN
        if not stream:
            # Kinesis is another matter, and a global table has one by itself.
            return None if each.get("Replicas") is None else _find_replica_stream(each)
        return self._values.literal(stream.get("StreamViewType")) or UNKNOWN

    def _read_queue(self, each: Resource) -> Queue:
        values = self._values
        name = name_of(each, values.text)
        is_fifo = values.switch(each.get("FifoQueue"))
        return Queue(
            name=each.name,
            url=reference_to(each, values.text),
            arn=arn_of(each, values.text),
            is_fifo=True if name.endswith(".fifo") else is_fifo,
            visibility_seconds=values.number(
                each.get("VisibilityTimeout"), _VISIBILITY_TIMEOUT
            ),
            has_dead_letters=self._has_dead_letters(each.get("RedrivePolicy")),
            key=self._find_key(each.get("KmsMasterKeyId")),
        )

    def _has_dead_letters(self, policy: object) -> Maybe[bool]:
        found = self._values.mapping(policy)
        return UNKNOWN if found is UNKNOWN else bool(found)

    def _find_key(self, value: object) -> Key | None:
        if value is None:
            return None
        text = self._values.text(value)
        for each in self._values.stack.of_kind(KEY):
            arn = arn_of(each, self._values.text)
            if text in (f"${{{each.name}}}", arn) or text == f"${{{each.name}.Arn}}":
                policy = read_key_policy(self._values, each.name, each.get("KeyPolicy"))
                return Key(name=each.name, arn=arn, policy=policy)
        return None


def read_key_policy(values: Values, name: str, policy: object) -> Grants:
    """Return what the policy of a KMS key allows to others than the account as a whole.

    Args:
        values: The values of the template that it stands in.
        name: What the key is called.
        policy: The policy, as JSON has it.
    """
    found = values.mapping(policy)
    if found is UNKNOWN:
        return Grants(role=name, statements=(), is_complete=False)
    items, is_whole = values.items(found.get("Statement"))
    statements = [
        _read_statement(values, name, as_mapping(one))
        for one in items
        if not _is_for_the_account(values, as_mapping(one).get("Principal"))
    ]
    return Grants(role=name, statements=tuple(statements), is_complete=is_whole)


def _read_statement(
    values: Values, owner: str, content: Mapping[str, object]
) -> Statement:
    actions, is_whole = values.items(content.get("Action"))
    texts = tuple(values.text(one) for one in actions)
    return Statement(
        owner=owner,
        is_allowing=read_effect(values, content),
        actions=texts if is_whole and texts else (*texts, ANYTHING),
        resources=("*",),
        is_whole=False,  # whom it is about is not looked at
    )


def _is_for_the_account(values: Values, principal: object) -> bool:
    """Return whether it lets the account's own policies decide, or is a service's."""
    found = as_mapping(principal)
    names = [values.text(each) for each in as_list(found.get("AWS"))]
    if "AWS" in found:
        # "AWS account principals": the number alone means the same.
        return all(name.endswith(":root") or name.isdigit() for name in names)
    return "Service" in found


def _find_key_id(each: Resource, sse: Mapping[str, object]) -> object:
    found = sse.get("KMSMasterKeyId")
    for replica in as_list(each.get("Replicas")):
        inner = as_mapping(as_mapping(replica).get("SSESpecification"))
        found = found or inner.get("KMSMasterKeyId")
    return found


def _find_replica_stream(each: Resource) -> Maybe[str] | None:
    return _VIEW if len(as_list(each.get("Replicas"))) > 1 else None
