"""All tables of the app, with their constraints and indexes. Names of tables and columns are a contract.

Behavior lives elsewhere: of `jobs`, this room imports only the states.
"""

from jobs.models.artifact import Artifact
from jobs.models.attempt import Attempt
from jobs.models.audit import AuditEntry
from jobs.models.bulk import BulkItem, BulkRun
from jobs.models.callbacks import Callback, CallbackEndpoint, CallbackHost, CallbackSecret, CallbackSettings
from jobs.models.event import Event
from jobs.models.hand_outs import HandOut
from jobs.models.job import Job
from jobs.models.payload import PayloadRevision, SearchTerms
from jobs.models.preferences import NumberFormat, Preferences
from jobs.models.publish_failure import PublishFailure
from jobs.models.queues import Queue, TypeDials
from jobs.models.refusal import Refusal
from jobs.models.reused_keys import ReusedKey
from jobs.models.saved_orders import SavedOrder
from jobs.models.schedule import Schedule, ScheduleRun
from jobs.models.share_link import ShareLink
from jobs.models.statistics import Activity, AttemptTotal, DecisionTotal, RecentRuns
from jobs.models.sweep import Sweep
from jobs.models.token import ApiToken
from jobs.models.worker import Worker

__all__ = [
    "Activity", "ApiToken", "Artifact", "Attempt", "AttemptTotal", "AuditEntry", "BulkItem", "BulkRun", "Callback",
    "CallbackEndpoint", "CallbackHost", "CallbackSecret", "CallbackSettings", "DecisionTotal", "Event", "HandOut",
    "Job", "NumberFormat", "PayloadRevision", "Preferences", "PublishFailure", "Queue", "RecentRuns", "Refusal",
    "ReusedKey", "SavedOrder", "Schedule", "ScheduleRun", "SearchTerms", "ShareLink", "Sweep", "TypeDials", "Worker",
]  # fmt: skip
