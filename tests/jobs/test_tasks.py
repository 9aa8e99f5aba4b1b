"""What a worker loads: in a process of its own, with only the apps that jobs without types need.

With all apps installed, Django's admin and the type modules load the REST framework.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from config.stack.datafolder import BASE_DIR

CODE = """
import json
import sys

import django
from django.conf import settings
from django.db import connection

from jobs.apps import JobsConfig

contrib = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "postgres")]
settings.INSTALLED_APPS = [*contrib, "knox", "django_celery_beat", "django_celery_results", "jobs"]
connection.vendor  # loads jobs.postgres, which the settings name as the engine
before, ready, models = set(sys.modules), JobsConfig.ready, set()


def note_and_go_on(config):
    models.update(set(sys.modules) - before)
    ready(config)


JobsConfig.ready = note_and_go_on
django.setup()
import jobs.tasks

print(json.dumps({"models": sorted(models), "worker": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """Names of modules: those that the models of all apps added, and all that a worker has."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "x" * 50,
        "LONGHAUL_DATA": str(tmp_path_factory.mktemp("data")),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    names: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return names


def test_models_load_only_each_other_and_the_states(loaded: Mapping[str, list[str]]) -> None:
    ours = {path.name for path in Path(BASE_DIR).iterdir() if (path / "__init__.py").exists()}
    found = {name for name in loaded["models"] if name.split(".")[0] in ours}
    assert "jobs.models.job" in found
    assert {name for name in found if not name.startswith("jobs.models.")} == {"jobs.models", "jobs.states"}


def test_a_worker_without_types_loads_neither_views_nor_serializers(loaded: Mapping[str, list[str]]) -> None:
    found = set(loaded["worker"])
    assert {"jobs.tasks", "jobs.worker.execution", "jobs.maintenance.sweeps", "jobs.types.checks"} <= found
    assert not {"rest_framework.views", "rest_framework.serializers"} & found
