"""A client that has much in progress, or does not read, is served within limits."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.clients import connection_id, manage
from tests.support.servers.gateways import APPS, CREDENTIALS, DevGateway, Record, dev
from tests.support.servers.raw import RawClient, masked
from wspubsub.local.apigateway.clients import MAX_WAITING_INVOCATIONS

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


@pytest.fixture(scope="module")
def patient(chat: DevGateway) -> Iterator[DevGateway]:
    """A handler that may take its time, in few environments."""
    with dev(
        f"{APPS / 'probe.py'}:handler",
        *("--two-way", "--environments", "2", "--dynamodb", chat.dynamodb_url),
        environ=CREDENTIALS,
    ) as gateway:
        yield gateway


def order(**fields: object) -> bytes:
    return masked(TEXT, json.dumps(fields).encode())


def invoked(gateway: DevGateway, id_: str) -> int:
    return sum(
        each["kind"] == "invoked" and each["connection_id"] == id_
        for each in gateway.records
    )


def end_of(gateway: DevGateway, id_: str) -> Record:
    return gateway.wait_for(
        lambda each: each["kind"] == "closed" and each["connection_id"] == id_
    )


def test_control_frames_are_read_while_messages_wait(
    patient: DevGateway, tmp_path: Path
) -> None:
    path = tmp_path / "go on"
    count = MAX_WAITING_INVOCATIONS + 40
    try:
        with RawClient(patient.port) as client:
            client.upgrade("?busy=1")
            id_ = connection_id(patient, '"busy": "1"')
            client.send(order(action="wait", path=str(path)) * count)
            client.send(masked(PING, b"are you there"))

            assert client.frame() == (PONG, b"are you there")

            client.send(masked(CLOSE, b""))
            closed = end_of(patient, id_)

            assert (closed["code"], closed["by"]) == (1005, "client")
            assert manage(patient, "POST", id_, b"x")[0].status == 410
    finally:
        path.touch()

    # What it had sent before it left is handled like anything else.
    patient.wait_for(
        lambda each: each["kind"] == "invoked" and each["connection_id"] == id_,
        count=1 + count + 1,
    )


def test_answers_to_a_client_that_does_not_read_are_bounded(
    patient: DevGateway,
) -> None:
    text = "x" * 32_000
    count = 1000
    with RawClient(patient.port, receive_buffer_bytes=4096) as deaf:
        deaf.upgrade("?deaf=1")
        id_ = connection_id(patient, '"deaf": "1"')
        sending = order(action="give back", value={"statusCode": 200, "body": text})
        deaf.socket.settimeout(1)
        sent = 0
        try:
            for _ in range(count):
                deaf.send(sending)
                sent += 1
        except TimeoutError:
            pass  # the gateway reads no more from it

        with patient.client() as other:
            for number in range(20):
                other.send(json.dumps({"action": "echo", "text": str(number)}))
                assert other.recv(20) == str(number)

        assert sent < count
        # Its limit, what the system buffers, and what was in progress.
        assert invoked(patient, id_) < 64 + (1_048_576 + 8_388_608) / len(text)


def test_a_client_that_reads_again_gets_every_answer(patient: DevGateway) -> None:
    text = "x" * 30_000
    count = 400
    with patient.client("?slow=1", max_queue=1, compression=None) as slow:

        def ask() -> None:
            for number in range(count):
                slow.send(json.dumps({"action": "echo", "text": f"{number} {text}"}))

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(5)  # or until nobody reads what it sends, as nobody reads here
        answers = {int(str(slow.recv(20)).split()[0]) for _ in range(count)}
        asking.join()

    assert answers == set(range(count))


def test_who_breaks_the_protocol_is_closed_by_the_gateway(patient: DevGateway) -> None:
    with RawClient(patient.port) as client:
        client.upgrade("?broken=1")
        id_ = connection_id(patient, '"broken": "1"')
        client.send(masked(0x2, b"binary"))
        assert client.close_code() == 1003

    with RawClient(patient.port) as other:
        other.upgrade("?unmasked=1")
        other_id = connection_id(patient, '"unmasked": "1"')
        other.send(b"\x81\x02hi")
        assert other.close_code() == 1002

    for wanted, detail in ((id_, "binary, not text"), (other_id, "masking")):
        closed = end_of(patient, wanted)
        assert closed["by"] == "gateway"
        assert detail in closed["detail"]


def test_the_gateway_says_that_it_closed_when_it_ends(chat: DevGateway) -> None:
    app = f"{APPS / 'probe.py'}:handler"
    with dev(app, "--dynamodb", chat.dynamodb_url) as gateway, gateway.client():
        gateway.stop()

    [closed] = [each for each in gateway.records if each["kind"] == "closed"]
    assert (closed["code"], closed["by"]) == (1001, "gateway")
