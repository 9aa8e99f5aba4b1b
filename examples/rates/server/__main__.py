"""`python -m examples.rates.server`: serve until SIGTERM or SIGINT. The first line of the output is the address."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from typing import Final

from examples.rates.server.options import Options
from examples.rates.server.serving import RatesServer

#: Nobody else on the network can reach it.
HOST: Final = "127.0.0.1"
#: Connections that wait to be accepted.
BACKLOG: Final = 1024


async def serve(options: Options, *, port: int, follows_stdin: bool) -> None:
    """Serve until a signal comes, or standard input ends if it is followed. What is in hand then is not answered."""
    ended = asyncio.Event()

    def read_stdin() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            ended.set()

    if follows_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin, read_stdin)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await asyncio.start_server(RatesServer(options).serve, HOST, port, backlog=BACKLOG)
    sys.stdout.write(f"http://{HOST}:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await ended.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.rates.server", description=__doc__)
    parser.add_argument("--port", type=int, default=8010, help="0: any free port (default: %(default)s)")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds for each answer (default: %(default)s)")
    parser.add_argument("--max-in-flight", type=int, help="further requests get 429 (default: no limit)")
    parser.add_argument("--max-per-second", type=int, help="further requests get 429 (default: no limit)")
    parser.add_argument("--follow-stdin", action="store_true", help="stop when standard input ends")
    given = parser.parse_args()
    options = Options(given.delay, given.max_in_flight, given.max_per_second)
    asyncio.run(serve(options, port=given.port, follows_stdin=given.follow_stdin))


if __name__ == "__main__":
    main()
