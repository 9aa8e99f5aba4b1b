"""A process loads the application without Python's garbage collector, and works with it. It loads what it needs."""

import subprocess
import sys

import pytest

from config.stack.datafolder import BASE_DIR

#: What a process says of its collector at each step.
SAY = """
import gc
def say(step):
    print(step, gc.isenabled(), gc.get_freeze_count() > 100_000)
"""
WORKER = """
from config.celery import app
from celery.signals import import_modules, worker_init
from django.apps import apps
import_modules.connect(lambda **kwargs: say(f"loaded={apps.ready}"), weak=False)
say("start")
app.loader.init_worker()
worker_init.send(sender=None)
say("ready")
"""
WEB = """
from types import SimpleNamespace
from config import gunicorn
say("start")
gunicorn.post_fork(None, None)
from config.wsgi import application
say("loaded")
gunicorn.post_worker_init(SimpleNamespace(wsgi=application))
say("ready")
"""

#: Whether a worker of this pool has loaded the paths before it forks or begins to work.
POOL = """
import sys
from celery.concurrency import get_implementation
from celery.signals import worker_init
from config.celery import app
app.loader.init_worker()
class Worker:
    pool_cls = get_implementation("POOL")
worker_init.send(sender=Worker)
print("config.urls" in sys.modules)
"""


def said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", SAY + code], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_worker_loads_without_collections() -> None:
    assert said(WORKER) == ["start True False", "loaded=True False False", "ready True True"]


def test_a_web_process_loads_without_collections() -> None:
    assert said(WEB) == ["start True False", "loaded False False", "ready True True"]


@pytest.mark.parametrize(("pool", "loads"), [("prefork", "True"), ("threads", "False")])
def test_only_a_worker_that_forks_loads_the_paths(pool: str, loads: str) -> None:
    """Its processes share them. Another worker needs them once, if at all."""
    assert said(POOL.replace("POOL", pool)) == [loads]


def test_a_web_process_has_loaded_the_paths_before_the_first_request() -> None:
    code = "import config.wsgi, sys; print('config.urls' in sys.modules)"
    assert said(code) == ["True"]
