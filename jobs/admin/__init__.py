"""The admin of jobs. What the workers write can be read here, not edited; the dials of a queue can."""

from jobs.admin.jobs import ArtifactAdmin, AttemptAdmin, JobAdmin
from jobs.admin.queues import QueueAdmin
from jobs.admin.sweeps import SweepAdmin

__all__ = ["ArtifactAdmin", "AttemptAdmin", "JobAdmin", "QueueAdmin", "SweepAdmin"]
