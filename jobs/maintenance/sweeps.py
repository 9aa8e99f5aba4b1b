"""All sweeps. `jobs.tasks` creates their Celery tasks, `jobs.maintenance.seeding` their schedules."""

from typing import Final

from jobs.maintenance.activity import count_activity
from jobs.maintenance.announcements import announce_ended_jobs, mail_ended_jobs, mail_expiring_files
from jobs.maintenance.deactivated_owners import cancel_jobs_of_deactivated_owners
from jobs.maintenance.encrypting import encrypt_secrets
from jobs.maintenance.files import expire_artifacts, remove_orphan_files
from jobs.maintenance.history import prune_bulk_runs, prune_callback_hosts, prune_jobs
from jobs.maintenance.indexing import index_payloads
from jobs.maintenance.recovery import release_due_jobs, republish_lost_jobs, rescue_orphaned_jobs, retry_failed_jobs
from jobs.maintenance.scheduled_runs import (
    encrypt_schedules,
    prune_scheduled_runs,
    run_due_schedules,
    settle_scheduled_runs,
)
from jobs.maintenance.sweeping import PeriodicSweep

#: By name.
SWEEPS: Final[dict[str, PeriodicSweep]] = {
    sweep.name: sweep
    for sweep in (
        release_due_jobs,
        republish_lost_jobs,
        retry_failed_jobs,
        rescue_orphaned_jobs,
        announce_ended_jobs,
        mail_ended_jobs,
        mail_expiring_files,
        cancel_jobs_of_deactivated_owners,
        count_activity,
        index_payloads,
        encrypt_secrets,
        expire_artifacts,
        remove_orphan_files,
        prune_jobs,
        prune_bulk_runs,
        prune_callback_hosts,
        run_due_schedules,
        settle_scheduled_runs,
        prune_scheduled_runs,
        encrypt_schedules,
    )
}
