"""How API Gateway writes instants: in English and UTC, whatever the locale."""

from datetime import UTC, datetime

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - twelve quoted names say less


def milliseconds(at: float) -> int:
    """Return an instant in whole milliseconds since the epoch."""
    return round(at * 1000)


def common_log(at: float) -> str:
    """Return an instant in Common Log Format, such as 11/Nov/2024:11:35:24 +0000."""
    moment = datetime.fromtimestamp(milliseconds(at) / 1000, UTC)
    month = _MONTHS[moment.month - 1]
    return f"{moment:%d}/{month}/{moment:%Y:%H:%M:%S} +0000"


def iso_8601(at: float) -> str:
    """Return an instant such as 2020-11-15T12:23:14.726Z (RFC 3339)."""
    moment = datetime.fromtimestamp(milliseconds(at) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
