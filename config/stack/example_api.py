"""The remote API of the bundled example, which `make up` runs beside a database of its own. Production has none."""

import os
import sys
from typing import Final

from config.stack.datafolder import DataFolder, write_private
from config.stack.probing import HOST, can_bind, free_port
from config.stack.services import Service

#: Names the address. Without it, the example's call type does not exist.
VARIABLE: Final = "EXAMPLE_RATES_URL"
#: Its port follows from that of the web server. A call that waits while the stack restarts must find its API again.
AFTER_WEB_PORT: Final = 10
GRACE_SECONDS: Final = 5


def add_example(folder: DataFolder, *, web_port: int) -> Service:
    """The API as a service. Its address goes into the environment, and for `manage.py` into `embedded.env`."""
    port = web_port + AFTER_WEB_PORT
    if port > 65535 or not can_bind(port):
        port = free_port()
    url = f"http://{HOST}:{port}"
    os.environ[VARIABLE] = url
    write_private(folder.env_file, f"{folder.env_file.read_text()}{VARIABLE}={url}\n")
    limits = ["--max-in-flight", "20", "--max-per-second", "50"]
    command = [sys.executable, "-m", "examples.rates.server", "--port", str(port), *limits]
    return Service("example-api", command, GRACE_SECONDS)
