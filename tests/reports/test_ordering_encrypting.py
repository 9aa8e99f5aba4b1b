"""The sweep that encrypts what was stored before secrets were encrypted, and what a former SECRET_KEY encrypts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework import serializers

from jobs.errors import SecretUnreadableError
from jobs.maintenance import encrypting
from jobs.maintenance.encrypting import encrypt_secrets_of
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Artifact, Job, PayloadRevision, Sweep
from jobs.models.ids import first_id_at
from jobs.payloads.sealing import is_sealed, unseal
from reports.ordering import reopen_order

pytestmark = pytest.mark.django_db(transaction=True)

PARAMETERS = {"city": "Tokyo", "password": "hunter2", "pin": 4711}


class Parameters(serializers.Serializer[Any]):
    city = serializers.CharField()
    password = serializers.CharField(write_only=True)
    pin = serializers.IntegerField(required=False)


@pytest.fixture
def plain(owner: User, report_of: Callable[..., str]) -> Callable[..., Job]:
    """A job as an earlier version stored it, some time ago."""
    identifier = report_of("SELECT 1 AS one", Parameters=Parameters, sensitive=("pin",))

    def make(number: int = 0, **values: Any) -> Job:
        defaults: dict[str, Any] = {
            "id": UUID(int=first_id_at(timezone.now() - timedelta(hours=1)).int + number),
            "kind": "report",
            "queue": "reports",
            "owner": owner,
            "payload": {"reportType": identifier, "parameters": PARAMETERS, "csv": {}},
            "max_attempts": 1,
            "request_fingerprint": "f" * 64,
        }
        return Job.objects.create(**{**defaults, **values})

    return make


def test_what_an_earlier_version_stored_is_encrypted(plain: Callable[..., Job], owner: User) -> None:
    job = plain()
    PayloadRevision.objects.create(job=job, payload=job.payload, replaced_by="root")
    described: dict[str, Any] = {"content_type": "text/csv", "encoding": "utf-8", "row_count": 1, "size_bytes": 1}
    Artifact.objects.create(
        job=job,
        role="result",
        storage_name="a",
        filename="made-Tokyo-hunter2-4711.csv",
        published_at=Now(),
        **described,
    )
    assert SWEEPS["encrypt_secrets"]() == 1
    job.refresh_from_db()
    for payload in (job.payload, PayloadRevision.objects.get().payload):
        assert "hunter2" not in str(payload)
        assert {name for name, value in payload["parameters"].items() if is_sealed(value)} == {"password", "pin"}
        assert unseal(payload)["parameters"] == PARAMETERS
    assert reopen_order(job.payload, owner)[1] == PARAMETERS
    assert Artifact.objects.get().filename == "made-Tokyo--.csv"
    assert job.request_fingerprint == ""
    assert SWEEPS["encrypt_secrets"]() == 0


def test_it_goes_through_all_jobs_a_batch_at_a_time(plain: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypting, "BATCH_SIZE", 2)
    for number in range(5):
        plain(number)
    plain(7, payload={"reportType": "made", "parameters": {"city": "Kyoto"}, "csv": {}})
    plain(8, payload=["odd"])
    plain(9, payload={"reportType": "gone", "parameters": {"token": "swordfish"}})
    assert [SWEEPS["encrypt_secrets"]() for _ in range(6)] == [2, 2, 1, 1, 0, 0]
    assert not Job.objects.filter(payload__icontains="hunter2").exists()
    assert not Job.objects.filter(payload__icontains="swordfish").exists()


def test_a_new_key_encrypts_everything_again(plain: Callable[..., Job], settings: Any) -> None:
    job = plain()
    assert SWEEPS["encrypt_secrets"]() == 1
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [settings.SECRET_KEY]
    assert SWEEPS["encrypt_secrets"]() == 1
    settings.SECRET_KEY_FALLBACKS = []
    job.refresh_from_db()
    assert unseal(job.payload)["parameters"] == PARAMETERS


def test_one_whose_key_is_gone_keeps_no_other_from_it_and_is_told(plain: Callable[..., Job], settings: Any) -> None:
    plain(1)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "lost-key"
    assert SWEEPS["encrypt_secrets"]() == 1
    settings.SECRET_KEY = former
    other = plain(2)
    with pytest.raises(SecretUnreadableError):
        SWEEPS["encrypt_secrets"]()
    other.refresh_from_db()
    assert is_sealed(other.payload["parameters"]["password"])
    assert "SecretUnreadableError" in Sweep.objects.get(name="encrypt_secrets").last_error


def test_a_payload_that_is_edited_meanwhile_is_left_to_the_edit(plain: Callable[..., Job]) -> None:
    job = plain()
    Job.objects.filter(pk=job.pk).update(payload={"edited": True})
    encrypt_secrets_of(job)
    job.refresh_from_db()
    assert job.payload == {"edited": True}
