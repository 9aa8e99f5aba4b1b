"""The admin of jobs is the runbook: inspect, check whether it is safe, act, and leave an entry in the audit trail.

It contains only pages and permissions; the actions are functions of `jobs.interventions` and `jobs.bulk`. Rows that
workers write are read-only.
"""

from jobs.admin.accounts import GroupAdmin, UserAdmin
from jobs.admin.attempts import ArtifactAdmin, AttemptAdmin
from jobs.admin.audit import AuditEntryAdmin
from jobs.admin.bulk_runs import BulkRunAdmin
from jobs.admin.callbacks import CallbackEndpointAdmin, CallbackHostAdmin
from jobs.admin.celery import PeriodicTaskAdmin, TaskResultAdmin
from jobs.admin.jobs import JobAdmin
from jobs.admin.preferences import PreferencesAdmin, SavedOrderAdmin
from jobs.admin.queues import QueueAdmin
from jobs.admin.schedules import ScheduleAdmin, ScheduleRunAdmin
from jobs.admin.share_links import ShareLinkAdmin
from jobs.admin.sweeps import SweepAdmin
from jobs.admin.type_dials import TypeDialsAdmin

__all__ = [
    "ArtifactAdmin", "AttemptAdmin", "AuditEntryAdmin", "BulkRunAdmin", "CallbackEndpointAdmin", "CallbackHostAdmin",
    "GroupAdmin", "JobAdmin", "PeriodicTaskAdmin", "PreferencesAdmin", "QueueAdmin", "SavedOrderAdmin",
    "ScheduleAdmin", "ScheduleRunAdmin", "ShareLinkAdmin", "SweepAdmin", "TaskResultAdmin", "TypeDialsAdmin",
    "UserAdmin",
]  # fmt: skip
