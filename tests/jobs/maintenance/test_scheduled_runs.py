"""The sweeps of schedules: one bad schedule does not stop the others, and a new SECRET_KEY reaches their orders."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework import serializers

from jobs.maintenance.scheduled_runs import encrypt_schedules, run_due_schedules
from jobs.models import Job, Queue, Schedule
from jobs.payloads.sealing import unseal
from jobs.schedules.changing import Plan, create_schedule
from jobs.schedules.recurrence import Recurrence
from jobs.types.scheduling import stored_order
from reports.types import REPORT_TYPES, ReportType

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


class WithSecret(ReportType):
    """A report with a secret parameter."""

    identifier = "with-secret"
    title = "With a secret"

    class Parameters(serializers.Serializer[Any]):
        pin = serializers.CharField(write_only=True, required=False)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REPORT_TYPES, "_types", {**REPORT_TYPES._types, "with-secret": WithSecret()})


def make(owner: User, **parameters: str) -> Schedule:
    body = {"reportType": "with-secret", "csv": {}, "parameters": parameters}
    order = stored_order(WithSecret(), body, {})
    plan = Plan("Mine", order, Recurrence("day", 7), "UTC", "none", "")
    return create_schedule(owner=owner, kind="report", type="with-secret", plan=plan)


@pytest.mark.usefixtures("types")
def test_one_broken_schedule_does_not_stop_the_others(owner: User) -> None:
    broken, fine = make(owner), make(owner)
    Schedule.objects.update(next_run_at="2026-01-01T07:00Z")
    Schedule.objects.filter(pk=broken.pk).update(time_zone="Nowhere/Land", next_run_at="2026-01-01T06:00Z")
    Queue.objects.filter(name="reports").update(paused=True)
    with pytest.raises(Exception, match="Nowhere/Land"):
        run_due_schedules()
    assert list(Job.objects.values_list("kind", flat=True)) == ["report"]
    assert fine.runs.count() > 0


@pytest.mark.usefixtures("types")
def test_a_new_secret_key_reaches_the_orders_of_all_schedules(owner: User, settings: Any) -> None:
    plain, secret = make(owner), make(owner, pin="sesame")
    former = secret.order["body"]["parameters"]["pin"]
    assert encrypt_schedules() == 0
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 8
    assert encrypt_schedules() == 1
    assert encrypt_schedules() == 0
    settings.SECRET_KEY_FALLBACKS = []
    secret.refresh_from_db()
    assert secret.order["body"]["parameters"]["pin"] != former
    assert unseal(secret.order["body"]["parameters"]) == {"pin": "sesame"}
    plain.refresh_from_db()
    assert plain.order["body"]["parameters"] == {}
