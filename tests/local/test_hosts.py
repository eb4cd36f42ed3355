import pytest

from wspubsub.errors import UsageError
from wspubsub.local.apigateway.hosts import AllowedHosts, url_host


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "LOCALHOST:3001",
        "localhost.:3001",
        "127.0.0.1:3001",
        "[::1]:3001",
        "laptop:3001",
        "gateway.test",
    ],
)
def test_this_machines_names_are_taken(header: str) -> None:
    hosts = AllowedHosts("laptop", ("gateway.test",))

    assert hosts.allow(header)


@pytest.mark.parametrize(
    "header", [None, "", "evil.example", "localhost.evil.example", "192.0.2.1", "[::2]"]
)
def test_foreign_names_are_not(header: str | None) -> None:
    hosts = AllowedHosts("127.0.0.1")

    assert not hosts.allow(header)


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        ("abc.tunnel.test", True),
        ("a.b.Tunnel.test:443", True),
        ("tunnel.test", False),
        ("eviltunnel.test", False),
        ("abc.tunnel.test.evil.example", False),
    ],
)
def test_a_pattern_takes_every_name_below_one(header: str, *, is_taken: bool) -> None:
    hosts = AllowedHosts("127.0.0.1", ["*.tunnel.test"])

    assert hosts.allow(header) is is_taken


def test_a_star_takes_every_name() -> None:
    assert AllowedHosts("127.0.0.1", ["*"]).allow("evil.example")


@pytest.mark.parametrize("written", ["Pi.local:3001", "[fe80::1]", "fe80::1"])
def test_a_name_may_be_written_as_in_a_url(written: str) -> None:
    hosts = AllowedHosts("127.0.0.1", [written])

    assert hosts.allow("pi.local" if "Pi" in written else "[fe80::1]:3001")


@pytest.mark.parametrize("text", ["", "https://x.test", "a*.test", "*.*.test", "*."])
def test_what_is_not_a_name_is_not_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="not a host to allow"):
        AllowedHosts("127.0.0.1", [text])


def test_a_gateway_on_every_interface_takes_addresses_but_no_names() -> None:
    hosts = AllowedHosts("0.0.0.0")  # noqa: S104 - nothing is bound here

    assert hosts.allow("192.0.2.1:3001")
    assert not hosts.allow("evil.example")


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("::1", "[::1]"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing is bound here
        ("::", "[::1]"),
    ],
)
def test_a_host_is_written_so_that_it_can_be_reached(host: str, written: str) -> None:
    assert url_host(host) == written
