"""Delete expired files and orphan files."""

from __future__ import annotations

from typing import Final

from django.db.models.functions import Now

from jobs.files.artifacts import delete_artifact_file
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.maintenance.sweeping import BATCH_SIZE, IndependentTransactions, sweep
from jobs.models import Artifact, Sweep
from jobs.states import ACTIVE

#: How many of the 256 folders of the artifact storage one run of `remove_orphan_files` searches.
FOLDERS_A_RUN: Final = 16


@sweep(every_seconds=300)
def expire_artifacts() -> int:
    """Delete expired files, except those that an active job still has to read. Their jobs stay."""
    expired = Artifact.objects.filter(expires_at__lt=Now(), deleted_at=None).order_by("expires_at")
    expired = expired.exclude(role=Artifact.Role.SOURCE, job__state__in=ACTIVE)
    with IndependentTransactions() as each:
        for artifact in expired[:BATCH_SIZE]:
            with each(artifact.storage_name):
                each.handled += delete_artifact_file(artifact)
    return each.handled


@sweep(every_seconds=60)
def remove_orphan_files() -> int:
    """Delete the files that no artifact refers to and no attempt is writing, in the next folders of the storage."""
    row = Sweep.objects.filter(name="remove_orphan_files")
    position = row.values_list("position", flat=True).first() or ""
    folders = [name for name in FOLDERS if name > position][:FOLDERS_A_RUN]
    is_last = not folders or folders[-1] == FOLDERS[-1]
    with IndependentTransactions() as each:
        for folder in folders:
            with each(folder):
                each.handled += remove_orphans_in(folder)
        row.update(position="" if is_last else folders[-1])
    return each.handled
