"""The files of the page, which are in the package and nowhere else."""

from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).with_name("page")
INDEX = "index.html"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class PageFiles:
    """The files of one folder, by their names.

    Args:
        folder: The folder; what is below its folders is not served.
    """

    def __init__(self, folder: Path = PAGE) -> None:
        self._folder = folder

    def find(self, name: str) -> tuple[str, bytes] | None:
        """Return the media type and the contents of a file, or None.

        The name is compared with those in the folder and never becomes a path.
        """
        for path in self._folder.iterdir():
            if path.name == name and path.suffix in _TYPES and path.is_file():
                return _TYPES[path.suffix], path.read_bytes()
        return None


def page_headers(host: str) -> Mapping[str, str]:
    """Return the headers with which nothing foreign is loaded, run or told.

    Args:
        host: Where the page is, as in its `Host` header.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"connect-src 'self' ws://{host} wss://{host}; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return {"content-security-policy": policy, **SAFE_HEADERS}


SAFE_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
