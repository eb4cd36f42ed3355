"""Messages to clients as frames, compressed with what all connections share.

A compressor takes 32 KB, and a laptop may have thousands of connections. Nobody can
see whether a message refers to earlier ones (RFC 7692 §7.1.1 leaves it to the sender),
so none does: one compressor serves everybody, and a message to a thousand clients is
compressed once.
"""

import zlib
from collections.abc import Sequence
from functools import cache, lru_cache

from typing_extensions import override
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import CTRL_OPCODES, Frame
from websockets.typing import ExtensionParameter

from wspubsub.gateway.assembly import MAX_FRAME_BYTES

_LEVEL = 5  # of memory
_TAIL = 4  # bytes that end each flush, and that RFC 7692 §7.2.1 removes
_KEPT = 16
_FINAL, _COMPRESSED, _TEXT, _CONTINUATION = 0x80, 0x40, 0x1, 0x0
_TWO_BYTES = 126  # says that the length is in the next two bytes


class SharedDeflate(PerMessageDeflate):
    """One connection's part of the compression: what its client may refer back to.

    A decompressor takes 40 KB, however little a client has said. It lives as long as a
    message here, and the next one begins with the data that this one has ended with.

    Args:
        agreed: What the handshake has agreed on.
    """

    def __init__(self, agreed: PerMessageDeflate) -> None:
        super().__init__(
            remote_no_context_takeover=True,  # nothing is allocated yet
            local_no_context_takeover=True,
            remote_max_window_bits=agreed.remote_max_window_bits,
            local_max_window_bits=agreed.local_max_window_bits,
        )
        has_history = not agreed.remote_no_context_takeover
        self._max_history = has_history << agreed.remote_max_window_bits
        self._history = b""
        self.remote_no_context_takeover = False  # the base class makes no decoder

    @override
    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Return a frame of the client as it was before it was compressed."""
        if frame.rsv1:
            self.decoder = zlib.decompressobj(
                wbits=-self.remote_max_window_bits, zdict=self._history
            )
        decoded = super().decode(frame, max_size=max_size)
        if "decoder" in vars(self) and frame.opcode not in CTRL_OPCODES:
            if self._max_history:
                history = self._history + decoded.data
                self._history = history[-self._max_history :]
            if frame.fin:
                del self.decoder
        return decoded


class SharedDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees on compression as API Gateway does.

    It was seen to answer `permessage-deflate;server_max_window_bits=12`.
    """

    def __init__(self) -> None:
        super().__init__(server_max_window_bits=12)

    @override
    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Return the answer to an offer, and what reads by it."""
        answer, agreed = super().process_request_params(params, accepted_extensions)
        return answer, SharedDeflate(agreed)


@lru_cache(maxsize=_KEPT)
def serialize_text(text: str, window_bits: int | None) -> bytes:
    """Return a message in frames as long as API Gateway's.

    Args:
        text: The message.
        window_bits: How far back compressed data may refer; None compresses nothing.
    """
    data = text.encode()
    # Nothing is what this compressor has no form for.
    compressor = _compressor(window_bits) if window_bits and data else None
    frames: list[bytes] = []
    for begin in range(0, len(data) or 1, MAX_FRAME_BYTES):
        piece = data[begin : begin + MAX_FRAME_BYTES]
        is_last = begin + MAX_FRAME_BYTES >= len(data)
        first = _CONTINUATION if begin else _TEXT
        if compressor is not None:
            # A full flush makes it forget what it has seen.
            piece = compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)
            piece = piece[:-_TAIL] if is_last else piece
            first |= 0 if begin else _COMPRESSED
        frames += (_frame_head(first | _FINAL * is_last, len(piece)), piece)
    return b"".join(frames)


def _frame_head(first: int, size: int) -> bytes:
    # RFC 6455 §5.2; a server does not mask.
    if size < _TWO_BYTES:
        return bytes((first, size))
    return bytes((first, _TWO_BYTES)) + size.to_bytes(2)


@cache
def _compressor(window_bits: int) -> "zlib._Compress":
    return zlib.compressobj(wbits=-window_bits, memLevel=_LEVEL)
