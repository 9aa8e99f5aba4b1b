"""API: requests of the web server, beside those of a minimal DRF view under the same gunicorn."""

from __future__ import annotations

from bench import order, status
from bench.registry import Setting
from bench.table import Row
from bench.web import both
from config.stack.stopping import say


def run(setting: Setting) -> list[Row]:
    """Both web servers run all the time, and only one is asked."""
    say(f"api: measuring {setting.requests:,} requests")
    with both(setting.folder) as web:
        return [
            *order.rows(web, orders=setting.requests, repeat=setting.repeat, quick=setting.quick),
            *status.rows(web, jobs=setting.requests, repeat=setting.repeat),
        ]
