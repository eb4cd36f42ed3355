"""Messages to clients, compressed with what all connections share."""

import random
import tracemalloc
import zlib

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from wspubsub.gateway.assembly import MAX_FRAME_BYTES
from wspubsub.local.apigateway.compression import SharedDeflate, serialize_text


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


@pytest.mark.parametrize("remembers", [True, False], ids=["remembers", "forgets"])
@pytest.mark.parametrize("window_bits", [9, 12, 15])
@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH])
def test_what_a_client_compresses_is_read(
    window_bits: int, flush: int, *, remembers: bool
) -> None:
    """Messages that refer to earlier ones, in frames that end anywhere."""
    chance = random.Random(window_bits)
    agreed = PerMessageDeflate(
        remote_no_context_takeover=not remembers,
        local_no_context_takeover=False,
        remote_max_window_bits=window_bits,
        local_max_window_bits=12,
    )
    reader = SharedDeflate(agreed)
    words = [chance.randbytes(40) for _ in range(300)]
    sender = zlib.compressobj(wbits=-window_bits)
    for size in (0, 1, 50, 3000, 1, 0, 50, 3000, 3000):
        if not remembers:
            sender = zlib.compressobj(wbits=-window_bits)
        message = b"".join(chance.choices(words, k=size))
        data = (sender.compress(message) + sender.flush(flush))[:-4]
        cuts = sorted(chance.choices(range(len(data) + 1), k=chance.randrange(3)))
        frames = [
            Frame(
                Opcode.CONT if begin else Opcode.TEXT,
                data[begin:end],
                fin=end == len(data),
                rsv1=not begin,
            )
            for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
            if end > begin or not data
        ]
        ping = Frame(Opcode.PING, b"between")

        found = [reader.decode(each) for frame in frames for each in (frame, ping)]

        assert b"".join(bytes(each.data) for each in found[::2]) == message
        assert found[1::2] == [ping] * len(frames)


def test_clients_that_say_little_take_little_memory() -> None:
    agreed = PerMessageDeflate(
        remote_no_context_takeover=False,
        local_no_context_takeover=False,
        remote_max_window_bits=15,
        local_max_window_bits=12,
    )
    sender = zlib.compressobj(wbits=-15)
    data = (sender.compress(b"little") + sender.flush(zlib.Z_SYNC_FLUSH))[:-4]
    frame = Frame(Opcode.TEXT, data, rsv1=True)
    readers = [SharedDeflate(agreed) for _ in range(100)]

    tracemalloc.start()
    try:
        for reader in readers:
            reader.decode(frame)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken / len(readers) < 1000
