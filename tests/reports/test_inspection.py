"""What staff are told about a report's payload."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.functional import lazy
from django.utils.translation import get_language
from rest_framework import serializers

from jobs.capacity.resources import read_resources
from jobs.inspection import InvalidPayloadError, TypeDefaults
from jobs.interventions.requeue_checks import RequeueChecks
from jobs.models import Job, Queue, TypeDials
from jobs.payloads.masked import masked_payload
from jobs.payloads.sealing import is_sealed, unseal
from reports.inspection import ReportInspector
from reports.ordering import ORDERING, place_order
from reports.types import REPORT_TYPES, SQL, ReportType

pytestmark = pytest.mark.django_db
INSPECTOR = ReportInspector(ORDERING)


class Secretive(ReportType):
    identifier = "secretive"
    title = "Secretive"
    sensitive = ("pin",)

    class Parameters(serializers.Serializer[Any]):
        year = serializers.IntegerField(max_value=2030)
        pin = serializers.CharField(default="4711")
        phrase = serializers.CharField(default="open sesame", style={"input_type": "password"})

    allowed = True
    text = "SELECT generate_series(1, 5000) AS n"

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL(self.text)

    def may_order(self, user: Any) -> bool:
        return self.allowed


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(REPORT_TYPES, "_types", dict(REPORT_TYPES._types))
    REPORT_TYPES.register(Secretive)
    job = place_order(
        owner=User.objects.create_user("ada"), data={"reportType": "secretive", "parameters": {"year": 2023}}
    ).job
    Job.objects.update(state="dead")
    job.refresh_from_db()
    return job


def reasons(job: Job) -> str:
    return RequeueChecks().check(job).reasons


def failing(job: Job) -> str:
    verdict = RequeueChecks().check(job)
    assert verdict.label == "will fail again"
    return verdict.reasons


def test_an_order_has_its_type_and_no_secrets_among_its_terms(job: Job) -> None:
    assert job.type == "secretive"
    assert not {"4711", "pin=4711", "open sesame"} & set(job.search_terms.terms)
    assert {"year=2023", "secretive"} <= set(job.search_terms.terms)


def test_secrets_that_only_the_type_knows_are_masked(job: Job) -> None:
    assert masked_payload(job)["parameters"] == {"year": 2023, "pin": "***", "phrase": "***"}


def test_a_sound_order_is_safe_and_its_cost_is_told(job: Job) -> None:
    verdict = RequeueChecks().check(job)
    assert verdict.label == "safe"
    text = "secretive exists, its owner may order it, and its parameters are still valid."
    assert str(verdict.findings[0].text) == text
    assert (INSPECTOR.cost(job) or "").startswith("PostgreSQL expects about 5,000 rows at a cost of ")


def test_no_page_of_a_dead_job_runs_its_types_code(job: Job, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def note(self: ReportType, *_: Any) -> Any:
        ran.append("code of the type")
        return SQL("SELECT 1 AS a")

    monkeypatch.setattr(Secretive, "query", note)
    monkeypatch.setattr(Secretive, "estimate", note)
    client.force_login(User.objects.create_superuser("root"))
    assert client.get(f"/admin/jobs/job/{job.pk}/change/").status_code == 200
    asked = {"action": "requeue_jobs", "_selected_action": [str(job.pk)]}
    assert client.post("/admin/jobs/job/", asked).status_code == 200
    assert ran == []


def test_a_type_that_is_gone_is_refused(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REPORT_TYPES._types, "secretive")
    assert failing(job) == "The report type secretive no longer exists."


def test_an_owner_who_may_not_order_it_any_more_is_refused(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Secretive, "allowed", False)
    assert failing(job) == "The owner may no longer order secretive."


def test_a_job_without_an_owner_is_refused(job: Job) -> None:
    job.owner = None
    assert failing(job) == "The job has no owner, which the kind report requires."


def test_parameters_that_are_not_valid_today_are_refused(job: Job) -> None:
    job.payload["parameters"]["year"] = 2099
    assert failing(job) == (
        "Its payload is no longer valid: /parameters/year: Ensure this value is less than or equal to 2030."
    )


def test_a_large_scan_is_named(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Secretive, "text", "SELECT count(*) FROM auth_user")
    assert "rows of auth_user sequentially." in (INSPECTOR.cost(job) or "")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reportType": "gone"}, "/reportType"),
        ({"parameters": {"year": "x"}}, "/parameters/year"),
        ({"parameters": {"year": 2023, "colour": 1}}, "/parameters/colour"),
        ({"csv": {"encoding": "x"}}, "/csv/encoding"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_an_edited_payload_is_validated_as_an_order_is(job: Job, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidPayloadError) as raised:
        INSPECTOR.validate({**job.payload, **change}, job.owner)
    assert [error["pointer"] for error in raised.value.errors] == [pointer]


def test_a_payload_that_is_no_object_is_invalid(job: Job) -> None:
    with pytest.raises(InvalidPayloadError):
        INSPECTOR.validate([], job.owner)


def test_a_valid_payload_comes_back_in_its_canonical_form(job: Job, make_canonical: Callable[..., Any]) -> None:
    edited = {"reportType": "secretive", "parameters": {"year": "2024"}, "language": "en"}
    canonical = INSPECTOR.validate(edited, job.owner)
    assert unseal(canonical) == make_canonical(unseal(job.payload), year=2024)
    assert is_sealed(canonical["parameters"]["pin"])


@pytest.fixture
def make_canonical() -> Callable[..., Any]:
    def make(payload: dict[str, Any], **parameters: Any) -> dict[str, Any]:
        return {**payload, "parameters": {**payload["parameters"], **parameters}, "language": "en"}

    return make


def test_what_the_class_says_of_its_dials_counts_before_the_queue(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert INSPECTOR.dials("nothing") == TypeDefaults()
    monkeypatch.setattr(Secretive, "rows_per_second", 77)
    monkeypatch.setattr(Secretive, "database", "elsewhere")
    assert INSPECTOR.dials("secretive") == TypeDefaults(rows_per_second=77, database="elsewhere")
    assert "The settings define no database named elsewhere." in reasons(job)
    queue = Queue.objects.get(name="reports")
    found = read_resources(queue, of=("report", "secretive"), reads_database=True)
    assert (found.rows_per_second, [session.database for session in found.sessions]) == (77, ["default", "elsewhere"])
    Queue.objects.update(database="default")
    TypeDials.objects.create(kind="report", type="secretive", database="default")
    assert "The settings define no database" not in reasons(job)


def test_chosen_columns_are_checked_in_the_language_of_their_order(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Secretive, "query_columns", ("n",))
    monkeypatch.setattr(Secretive, "columns", {"n": lazy(get_language, str)()})
    payload = {**unseal(job.payload), "language": "ja", "columns": ["ja"]}
    assert INSPECTOR.validate(payload, job.owner)["columns"] == ["ja"]
    with pytest.raises(InvalidPayloadError) as refused:
        INSPECTOR.validate({**payload, "columns": ["en"]}, job.owner)
    assert refused.value.errors == [
        {"pointer": "/columns/0", "detail": "There is no such column. The columns are: ja."}
    ]
