"""How API Gateway writes instants: in English and UTC, whatever the locale."""

from datetime import UTC, datetime

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def milliseconds(at: float) -> int:
    """Return an instant in whole milliseconds since the epoch."""
    return round(at * 1000)


def common_log(at: float) -> str:
    """Return an instant in Common Log Format, such as 11/Nov/2024:11:35:24 +0000."""
    moment = datetime.fromtimestamp(milliseconds(at) / 1000, UTC)
    month = _MONTHS[3 * moment.month - 3 : 3 * moment.month]
    return f"{moment:%d}/{month}/{moment:%Y:%H:%M:%S} +0000"


def iso_8601(at: float) -> str:
    """Return an instant such as 2020-11-15T12:23:14.726Z (RFC 3339)."""
    moment = datetime.fromtimestamp(milliseconds(at) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
