"""Records behave like frozen dataclasses."""

import copy
import dataclasses
import pickle

import pytest

from wspubsub import ConnectEvent, Connection, PublishReport, Response, parse_event
from wspubsub.testing import connect_event


def test_a_record_has_the_fields_it_was_given_and_defaults() -> None:
    connection = Connection(id="a=", connected_at=1.0, attributes={"room": "r"})

    assert (connection.id, connection.connected_at) == ("a=", 1.0)
    assert connection.principal is None
    assert connection.attributes == {"room": "r"}


def test_a_field_that_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(TypeError, match="Connection needs the field 'connected_at'"):
        Connection(id="a=")  # type: ignore[call-arg] # what the test is about
    with pytest.raises(TypeError, match="Connection has no field 'ip'"):
        Connection(id="a=", connected_at=1.0, ip="::1")  # type: ignore[call-arg] # as above


def test_a_record_cannot_be_changed() -> None:
    connection = Connection(id="a=", connected_at=1.0)

    with pytest.raises(AttributeError, match="frozen"):
        connection.id = "b="  # type: ignore[misc] # what the test is about
    with pytest.raises(AttributeError, match="frozen"):
        connection.room = "r"
    with pytest.raises(AttributeError, match="frozen"):
        del connection.id


def test_records_are_equal_by_type_and_values() -> None:
    one, same = (PublishReport(delivered=1) for _ in range(2))

    assert one == same
    assert one != PublishReport(delivered=2)
    assert one != 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(Connection(id="a=", connected_at=1.0, attributes={"room": "r"}))


def test_a_default_is_shared_by_no_two_records() -> None:
    one, other = (Response() for _ in range(2))

    assert one.headers == other.headers == {}
    assert one.headers is not other.headers


def test_the_text_of_a_record_leaves_out_what_is_long() -> None:
    connection = Connection(id="a=", connected_at=1.0)
    event = parse_event(connect_event(headers={"Cookie": "secret"}))

    assert repr(connection).startswith("Connection(id='a=', connected_at=1.0, princip")
    assert repr(event).startswith("ConnectEvent(connection_id=")
    assert "secret" not in repr(event)


def test_records_can_be_copied_and_pickled() -> None:
    report = PublishReport(delivered=3, gone=frozenset({"a="}), failed={"b=": "why"})

    assert copy.deepcopy(report) == report
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - our own


def test_the_functions_of_dataclasses_work_on_records() -> None:
    connection = Connection(id="a=", connected_at=1.0)

    changed = dataclasses.replace(connection, principal="ada")

    assert changed == Connection(id="a=", connected_at=1.0, principal="ada")
    assert connection.__replace__(principal="ada") == changed
    assert dataclasses.asdict(changed)["principal"] == "ada"
    assert [field.name for field in dataclasses.fields(Response)] == [
        "body",
        "status_code",
        "headers",
        "subprotocol",
        "multi_headers",
    ]
    shown = {field.name: field.repr for field in dataclasses.fields(ConnectEvent)}
    hidden = {"raw", "context", "state", "headers", "multi_query"}
    assert {name for name, is_shown in shown.items() if not is_shown} == hidden
    assert dataclasses.replace(Response("hi"), status_code=201) == Response("hi", 201)
