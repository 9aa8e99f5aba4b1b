"""gunicorn's hooks: `gunicorn config.wsgi --config python:config.gunicorn`.

Each worker process counts requests in files of one folder, so that the process that answers `/metrics` can add them up
(https://prometheus.github.io/client_python/multiprocess/). The folder belongs to this web server and is deleted with
it. The variable is set before anything imports prometheus_client, which reads it only once.
"""

import os
import shutil
import socket
import struct
import tempfile
from typing import Any

from config.loading import pause_collection, resume_collection
from config.web_worker import THREADS, guarded

#: The longest request line in bytes, at gunicorn's maximum, because gunicorn's own error is not a problem document.
limit_request_line = 8190

#: Defaults; the command line wins.
worker_class = "config.web_worker.ProbeThreadWorker"
threads = THREADS
#: An idle connection stays open for longer than clients keep theirs (Node.js: 4 s); otherwise one may send a request
#: just when the server closes it. Idle connections hold no thread. Seconds.
keepalive = 10

os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="longhaul-metrics-")

#: A connection is closed when nothing could be read from it or written to it for this long. Seconds.
IDLE_SECONDS = int(os.environ.get("WEB_IDLE_SECONDS") or 60)
#: Off, because Python's `socket.sendfile` ignores that limit.
sendfile = False


def when_ready(server: Any) -> None:
    """Limit how long a thread waits for a silent client. On Linux, accepted sockets inherit the listener's options.

    gunicorn has no such limit for threaded workers: its `timeout` is about the process.
    """
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", IDLE_SECONDS, 0))


def post_fork(server: Any, worker: Any) -> None:
    """Each worker process loads the application itself."""
    pause_collection()


def post_worker_init(worker: Any) -> None:
    """Wrap the application as soon as it is loaded."""
    from django.conf import settings

    from jobs.postgres.deadlines import is_away

    longest = settings.REQUEST_DATABASE_TIMEOUT_SECONDS
    worker.wsgi = guarded(worker.wsgi, longest_seconds=longest, is_away=is_away, is_stopping=lambda: not worker.alive)
    resume_collection()


def child_exit(server: Any, worker: Any) -> None:
    """Keep the counters of a worker process that has ended, and drop its live gauges."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Delete the folder."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
