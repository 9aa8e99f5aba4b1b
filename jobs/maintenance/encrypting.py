"""Encrypt what was stored before secrets were: payloads, and the names of files that were made of them."""

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


def kinds_with_secrets() -> list[str]:
    """The kinds in whose payloads secrets are encrypted."""
    return [name for name in kind_names() if inspector_of(name).encrypts]


def mark_of_key() -> str:
    """Another one for another SECRET_KEY. It tells nothing of the key."""
    return salted_hmac("jobs.encrypting", "mark", algorithm="sha256").hexdigest()[:16]


def encrypt_secrets_of(job: Job) -> bool:
    """Encrypt the secrets of a job with today's key, in its former payloads, too; whether there was something to do.

    A payload that somebody edits meanwhile is left to the edit. Raises SecretUnreadableError where a secret was
    encrypted with a key that is gone.
    """
    inspector = inspector_of(job.kind)
    with transaction.atomic():
        changed = False
        for revision in PayloadRevision.objects.filter(job=job):
            if (payload := inspector.encrypted(revision.payload)) is not None:
                changed |= bool(PayloadRevision.objects.filter(pk=revision.pk).update(payload=payload))
        if (payload := inspector.encrypted(job.payload)) is not None:
            same = Job.objects.filter(pk=job.pk, payload=job.payload)
            values: dict[str, Any] = {"payload": payload}
            if count_sealed(payload) > count_sealed(job.payload):
                # A secret was in clear, and the fingerprint of the request may have been made of it without a key.
                values["request_fingerprint"] = ""
            changed |= bool(same.update(**values))
            _rename_files(job)
    return changed


def _rename_files(job: Job) -> None:
    """By an earlier version, a name might have each parameter in it."""
    secrets = secrets_of(job)
    for artifact in Artifact.objects.filter(job=job):
        if any(secret in artifact.filename for secret in secrets):
            name = safe_filename(cleared(artifact.filename, secrets), otherwise=safe_filename(job.type))
            Artifact.objects.filter(pk=artifact.pk).update(filename=name)


@sweep(every_seconds=10)
def encrypt_secrets() -> int:
    """Encrypt secrets that an earlier version stored in clear and, after a new SECRET_KEY, all others again.

    Goes through all jobs once, then through those that are new.
    """
    row = Sweep.objects.filter(name="encrypt_secrets")
    mark, _, position = (row.values_list("position", flat=True).first() or "").partition(" ")
    key = mark_of_key()
    until = first_id_at(timezone.now() - timedelta(minutes=1))
    jobs = Job.objects.filter(kind__in=kinds_with_secrets(), pk__lt=until).order_by("pk")
    batch = list((jobs.filter(pk__gt=position) if position and mark == key else jobs)[:BATCH_SIZE])
    with IndependentTransactions() as each:
        for job in batch:
            with each(job.pk):
                each.handled += encrypt_secrets_of(job)
        row.update(position=f"{key} {batch[-1].pk if len(batch) == BATCH_SIZE else until}")
    return each.handled
