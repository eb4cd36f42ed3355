"""Close codes of WebSocket connections (RFC 6455 §7.4.1)."""

CLOSED_NORMALLY, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED_DATA = 1000, 1001, 1002, 1003

NO_CODE, ABNORMAL = 1005, 1006
"""Never sent: a close frame without a code, and an end without a close frame."""

INVALID_PAYLOAD, TOO_BIG = 1007, 1009
