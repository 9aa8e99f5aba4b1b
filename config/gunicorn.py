"""gunicorn's hooks: `gunicorn config.wsgi --config python:config.gunicorn`.

Each worker process counts requests in files of a folder, so that whichever answers `/metrics` can add them up
(https://prometheus.github.io/client_python/multiprocess/). The folder is the web server's own and goes with it; it
is named before anything imports prometheus_client, which looks once.

A few threads of each process answer nothing but probes (`config.web_worker`).
"""

import os
import shutil
import socket
import struct
import tempfile
from typing import Any

from config.web_worker import THREADS, Refusing

#: Bytes of a request's first line, the longest that gunicorn allows: what is longer gets an answer that is no problem.
limit_request_line = 8190

#: These hold unless the command line says otherwise.
worker_class = "config.web_worker.ProbeThreadWorker"
threads = THREADS

os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="longhaul-metrics-")


#: A connection is closed when nothing could be read from it, or written to it, for so long. Seconds.
IDLE_SECONDS = int(os.environ.get("WEB_IDLE_SECONDS") or 60)
#: Python's `socket.sendfile` waits for a silent reader without that bound.
sendfile = False


def when_ready(server: Any) -> None:
    """Bound how long a thread waits for a client that is silent. Linux gives accepted sockets their listener's options.

    gunicorn itself has no such bound for this class of workers: `timeout` is that of the process.
    """
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", IDLE_SECONDS, 0))


def post_worker_init(worker: Any) -> None:
    """The application is loaded."""
    from django.conf import settings

    from jobs.postgres.deadlines import is_away

    bound = settings.REQUEST_DATABASE_TIMEOUT_SECONDS
    worker.wsgi = Refusing(worker.wsgi, longest_seconds=bound, is_away=is_away)


def child_exit(server: Any, worker: Any) -> None:
    """What a worker that ended has counted stays; that it lives does not."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """gunicorn has ended."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
