"""Messages to clients, compressed with what all connections share."""

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import CLIENT, Protocol, State

from wspubsub.gateway.assembly import MAX_FRAME_BYTES
from wspubsub.local.apigateway.compression import serialize_text


def client() -> Protocol:
    """A client whose decoder remembers earlier messages."""
    protocol = Protocol(CLIENT, state=State.OPEN)
    protocol.extensions = [
        PerMessageDeflate(
            remote_no_context_takeover=False,
            local_no_context_takeover=False,
            remote_max_window_bits=12,
            local_max_window_bits=15,
        )
    ]
    return protocol


def read(protocol: Protocol, data: bytes) -> list[Frame]:
    protocol.receive_data(data)
    return [each for each in protocol.events_received() if isinstance(each, Frame)]


@pytest.mark.parametrize("size", [0, 1, 100, MAX_FRAME_BYTES, 100_000])
@pytest.mark.parametrize("window_bits", [None, 12])
def test_a_message_arrives_in_frames_as_long_as_api_gateways(
    size: int, window_bits: int | None
) -> None:
    text = ("wspubsub " * size)[:size]

    frames = read(client(), serialize_text(text, window_bits))

    assert b"".join(bytes(each.data) for each in frames).decode() == text
    assert [each.fin for each in frames] == [False] * (len(frames) - 1) + [True]
    assert all(len(each.data) <= MAX_FRAME_BYTES for each in frames)
    assert len(frames) == max(1, -(-size // MAX_FRAME_BYTES))


def test_each_client_can_read_what_it_gets_whatever_others_got_before() -> None:
    texts = [f"message {number} of many that look alike" for number in range(20)]
    first, second = client(), client()

    for number, text in enumerate(texts):
        data = serialize_text(text, 12)
        readers = [first, second] if number % 3 == 0 else [first]
        for reader in readers:
            [frame] = read(reader, data)
            assert bytes(frame.data).decode() == text


def test_what_repeats_itself_is_sent_compressed() -> None:
    assert len(serialize_text("again and " * 1000, 12)) < 200
