"""The tables of a job's life. Their names and columns are a contract (DESIGN section 5)."""

from jobs.activity import Activity
from jobs.audit import AuditEntry
from jobs.models.bulk import BulkItem, BulkRun
from jobs.models.callbacks import Callback, CallbackEndpoint, CallbackHost, CallbackSecret, CallbackSettings
from jobs.models.job import Artifact, Attempt, Event, Job, PayloadRevision, SearchTerms, Sweep
from jobs.models.queues import Queue, TypeDials
from jobs.models.reused_keys import ReusedKey
from jobs.models.statistics import AttemptTotal, DecisionTotal
from jobs.models.token import ApiToken
from jobs.presence import Worker
from jobs.publish_failures import PublishFailure
from jobs.recent_runs import RecentRuns
from jobs.refusals import Refusal

__all__ = [
    "Activity", "ApiToken", "Artifact", "Attempt", "AttemptTotal", "AuditEntry", "BulkItem", "BulkRun", "Callback",
    "CallbackEndpoint", "CallbackHost", "CallbackSecret", "CallbackSettings", "DecisionTotal", "Event", "Job",
    "PayloadRevision", "PublishFailure", "Queue", "RecentRuns", "Refusal", "ReusedKey", "SearchTerms", "Sweep",
    "TypeDials", "Worker",
]  # fmt: skip
