"""Encrypt secrets that were stored in clear: in payloads, and in names of files that were made from payloads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from jobs.files.filenames import safe_filename
from jobs.kinds import inspector_of, kind_names
from jobs.maintenance.sweeping import BATCH_SIZE, IndependentTransactions, sweep
from jobs.models import Artifact, Job, PayloadRevision, Sweep
from jobs.models.ids import first_id_at
from jobs.payloads.masked import secrets_of
from jobs.payloads.redaction import cleared
from jobs.payloads.sealing import count_sealed


def encrypt_secrets_of(job: Job) -> bool:
    """Encrypt the secrets in a job's current and former payloads with the current key; True if anything changed.

    A payload that is edited meanwhile is left to the edit. Raises SecretUnreadableError if a secret was encrypted with
    a key that is no longer configured.
    """
    inspector = inspector_of(job.kind)
    with transaction.atomic():
        changed = False
        for revision in PayloadRevision.objects.filter(job=job):
            if (payload := inspector.encrypted(revision.payload)) is not None:
                changed |= bool(PayloadRevision.objects.filter(pk=revision.pk).update(payload=payload))
        if (payload := inspector.encrypted(job.payload)) is not None:
            values: dict[str, Any] = {"payload": payload}
            if count_sealed(payload) > count_sealed(job.payload):
                # A secret was in clear, and the request's fingerprint may be an unkeyed hash of it.
                values["request_fingerprint"] = ""
            changed |= bool(Job.objects.filter(pk=job.pk, payload=job.payload).update(**values))
            _rename_files(job)
    return changed


def _rename_files(job: Job) -> None:
    """Remove secrets from file names: earlier versions could put any parameter into a name."""
    secrets = secrets_of(job)
    for artifact in Artifact.objects.filter(job=job):
        if any(secret in artifact.filename for secret in secrets):
            name = safe_filename(cleared(artifact.filename, secrets), otherwise=safe_filename(job.type))
            Artifact.objects.filter(pk=artifact.pk).update(filename=name)


@sweep(every_seconds=10)
def encrypt_secrets() -> int:
    """Encrypt secrets that an earlier version stored in clear and, after a change of SECRET_KEY, all secrets again.

    Visits all jobs once, then only new ones.
    """
    row = Sweep.objects.filter(name="encrypt_secrets")
    mark, _, position = (row.values_list("position", flat=True).first() or "").partition(" ")
    key = salted_hmac("jobs.encrypting", "mark", algorithm="sha256").hexdigest()[:16]  # tells SECRET_KEYs apart
    until = first_id_at(timezone.now() - timedelta(minutes=1))
    kinds = [name for name in kind_names() if inspector_of(name).encrypts]
    jobs = Job.objects.filter(kind__in=kinds, pk__lt=until).order_by("pk")
    batch = list((jobs.filter(pk__gt=position) if position and mark == key else jobs)[:BATCH_SIZE])
    with IndependentTransactions() as each:
        for job in batch:
            with each(job.pk):
                each.handled += encrypt_secrets_of(job)
        row.update(position=f"{key} {batch[-1].pk if len(batch) == BATCH_SIZE else until}")
    return each.handled
