"""moto's server, where there is no Node for dynalite."""

import logging

from moto.server import ThreadedMotoServer

from benchmarks.processes import answer, requests


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    answer(url=f"http://127.0.0.1:{port}")
    for _ in requests():
        answer()
    server.stop()


if __name__ == "__main__":
    main()
