"""Delete files: those whose time is over, and those that belong to nobody."""

from __future__ import annotations

from typing import Final

from django.db.models.functions import Now

from jobs.files.artifacts import delete_artifact_file
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.maintenance.sweeping import BATCH_SIZE, IndependentTransactions, sweep
from jobs.models import Artifact, Sweep

#: Folders of the artifact storage that one run of `remove_orphan_files` looks through, of 256.
FOLDERS_A_RUN: Final = 16


@sweep(every_seconds=300)
def expire_artifacts() -> int:
    """Delete the files whose time is over. The job stays and says `Expired`."""
    expired = Artifact.objects.filter(expires_at__lt=Now(), deleted_at=None).order_by("expires_at")
    with IndependentTransactions() as each:
        for artifact in expired[:BATCH_SIZE]:
            with each(artifact.storage_name):
                each.handled += delete_artifact_file(artifact)
    return each.handled


@sweep(every_seconds=60)
def remove_orphan_files() -> int:
    """Delete the files that no artifact refers to and no attempt is writing; some folders of the storage a run."""
    position = Sweep.objects.filter(name="remove_orphan_files").values_list("position", flat=True).first() or ""
    folders = [name for name in FOLDERS if name > position][:FOLDERS_A_RUN]
    ends = not folders or folders[-1] == FOLDERS[-1]
    with IndependentTransactions() as each:
        for folder in folders:
            with each(folder):
                each.handled += remove_orphans_in(folder)
        Sweep.objects.filter(name="remove_orphan_files").update(position="" if ends else folders[-1])
    return each.handled
