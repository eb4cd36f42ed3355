"""URLs of services are split strictly."""

import pytest

from wspubsub import UsageError
from wspubsub.engine.urls import Url, split_url


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://x.example.com", ("https", "x.example.com", "x.example.com", 443, "")),
        ("http://LOCALHOST:8000/", ("http", "localhost:8000", "localhost", 8000, "")),
        ("ws://127.0.0.1:1/a/b/", ("ws", "127.0.0.1:1", "127.0.0.1", 1, "/a/b")),
        ("wss://[::1]/dev", ("wss", "[::1]", "::1", 443, "/dev")),
        ("http://[::1]:3001", ("http", "[::1]:3001", "::1", 3001, "")),
        (
            "http://[::ffff:1.2.3.4]",
            ("http", "[::ffff:1.2.3.4]", "::ffff:1.2.3.4", 80, ""),
        ),
        (
            "https://x.example.com:443/a",
            ("https", "x.example.com", "x.example.com", 443, "/a"),
        ),
        ("http://[::1]:80", ("http", "[::1]", "::1", 80, "")),
        ("http://x:443", ("http", "x:443", "x", 443, "")),
        ("https://x.:1", ("https", "x.:1", "x.", 1, "")),
        ("https://" + "x" * 63, ("https", "x" * 63, "x" * 63, 443, "")),
        ("HTTPS://a_b-c.d/@x", ("https", "a_b-c.d", "a_b-c.d", 443, "/@x")),
    ],
)
def test_a_plain_url_has_its_parts(
    text: str, parts: tuple[str, str, str, int, str]
) -> None:
    assert split_url(text) == Url(*parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:8000",
        "//localhost",
        "ftp://localhost",
        "https://",
        "https:///path",
        "https://.",
        "https://.localhost",
        "https://a..b",
        "https://a..",
        "https://" + "x" * 64 + ".com",
        "https://user@localhost",
        "https://user:password@localhost",
        "https://localhost:port",
        "https://localhost:65536",
        "https://localhost:" + "9" * 5000,
        "https://localhost:-1",
        "https://[::1",
        "https://[::1]3001",
        "https://[g!]:1",
        "https://a b/",
        "https://a/b c",
        "https://a/b?c=d",
        "https://a/b#c",
        "https://a/b\r\nHost: c",
        "https://a\r\nb",
        "https://\uff41.example.com",
    ],
)
def test_anything_unusual_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="URL"):
        split_url(text)
