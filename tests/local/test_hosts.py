import pytest

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
