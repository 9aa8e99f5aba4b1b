"""The admin of jobs, which is the runbook: look, ask whether it is safe, act, and leave an entry in the audit trail.

Pages and permissions only: what is done has its function in `jobs.interventions` or `jobs.bulk`. What workers write can
be read here, not edited.
"""

from jobs.admin.accounts import GroupAdmin, UserAdmin
from jobs.admin.attempts import ArtifactAdmin, AttemptAdmin
from jobs.admin.audit import AuditEntryAdmin
from jobs.admin.bulk_runs import BulkRunAdmin
from jobs.admin.callbacks import CallbackEndpointAdmin, CallbackHostAdmin
from jobs.admin.celery import PeriodicTaskAdmin, TaskResultAdmin
from jobs.admin.jobs import JobAdmin
from jobs.admin.queues import QueueAdmin
from jobs.admin.sweeps import SweepAdmin
from jobs.admin.type_dials import TypeDialsAdmin

__all__ = [
    "ArtifactAdmin", "AttemptAdmin", "AuditEntryAdmin", "BulkRunAdmin", "CallbackEndpointAdmin", "CallbackHostAdmin",
    "GroupAdmin",
    "JobAdmin", "PeriodicTaskAdmin", "QueueAdmin", "SweepAdmin",
    "TaskResultAdmin", "TypeDialsAdmin", "UserAdmin",
]  # fmt: skip
