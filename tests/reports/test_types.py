"""Report types, those of apps outside of this repository among them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from config.stack.datafolder import BASE_DIR
from jobs.types.checks import check_types
from jobs.types.registry import UnknownTypeError
from reports.types import REPORT_TYPES, ReportType, register


class Wages(ReportType):
    """May be ordered by staff only."""

    identifier = "wages"
    title = "Wages"

    def may_order(self, user: Any) -> bool:
        return bool(user.is_staff)


def test_a_type_is_shown_to_those_only_who_may_order_it(report_types: dict[str, ReportType], db: None) -> None:
    register(Wages)
    clerk, boss = User(username="clerk"), User(username="boss", is_staff=True)
    assert [known.identifier for known in REPORT_TYPES.orderable_by(boss)] == [
        "customers",
        "order-lines",
        "wages",
        "yearly-sales",
    ]
    assert [known.identifier for known in REPORT_TYPES.orderable_by(clerk)] == [
        "customers",
        "order-lines",
        "yearly-sales",
    ]
    assert REPORT_TYPES.get("wages", boss).title == "Wages"
    with pytest.raises(UnknownTypeError):
        REPORT_TYPES.get("wages", clerk)


def test_the_bundled_types_pass_the_checks() -> None:
    assert check_types(None) == []


def test_a_queue_and_a_database_that_do_not_exist_are_named(report_types: dict[str, ReportType]) -> None:
    @register
    class Lost(ReportType):
        identifier = "lost"
        title = "Lost"
        queue = "nowhere"
        database = "moon"

    assert [(found.id, found.msg, found.obj) for found in check_types(None)] == [
        ("reports.E001", "No queue is named 'nowhere'.", Lost),
        ("reports.E002", "No database is named 'moon'.", Lost),
    ]


OUTSIDE = """
from rest_framework import serializers
from reports.types import SQL, ReportType, register

@register
class Weather(ReportType):
    identifier = "weather"
    title = "Weather"
    class Parameters(serializers.Serializer):
        days = serializers.IntegerField(min_value=1)
    def query(self, parameters, user):
        return SQL("SELECT i AS day, 20 + i AS degrees FROM generate_series(1, %(days)s) i", parameters)
"""

RUN = """
import django; django.setup()
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db.models.functions import Now
from jobs.worker.execution import execute_job
from jobs.models import Job
from reports.ordering import place_order
owner = User.objects.create_user("outsider")
job = place_order(owner=owner, data={"reportType": "weather", "parameters": {"days": "2"}}).job
Job.objects.filter(pk=job.pk).update(released_at=Now())
execute_job(job.pk, worker="outside")
print(storages["artifacts"].open(Job.objects.with_result().get(pk=job.pk).result_artifact.storage_name).read().decode())
"""


@pytest.mark.slow
def test_an_app_outside_of_the_repository_brings_its_report_type(
    tmp_path: Path, transactional_db: None, database_url: str
) -> None:
    app = tmp_path / "weather_station"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "report_types.py").write_text(OUTSIDE)
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EXTRA_APPS": "weather_station",
            "LOG_LEVEL": "ERROR",
            "PYTHONPATH": f"{BASE_DIR}{os.pathsep}{tmp_path}",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "day,degrees\n1,21\n2,22\n\n"


def test_a_subclass_needs_a_query(report_of: Callable[..., str]) -> None:
    with pytest.raises(NotImplementedError):
        ReportType().query({}, User())
