"""Release: hand queued jobs to Celery, as far as the queue's dials allow. The only place that publishes.

Redis never holds more messages than jobs may run, however long the backlog is. So the order is exact
(`jobs.dispatch.fairness`), and pausing a queue is one flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from uuid import UUID

import structlog
from celery import current_app
from celery.utils.nodenames import anon_nodename
from django.db import transaction
from kombu import Connection, Producer
from kombu.pools import producers
from kombu.utils.uuid import uuid

from jobs.dispatch.fairness import hand_out, queue_needs_message
from jobs.dispatch.publish_failures import cause_of, is_redis_away, keep_failure
from jobs.models import Job
from jobs.payloads.redaction import in_one_line
from jobs.states import State

logger = structlog.get_logger(__name__)

#: The pinned name of the task that runs a job; `jobs.tasks` registers it.
EXECUTE_JOB = "jobs.execute_job"

#: The most jobs that one call hands out, even if the queue has no limit; the next call continues.
BATCH_SIZE = 500

#: Publishing is bounded: a request that orders a report does not wait for Redis. Seconds.
PUBLISH_TIMEOUTS = {"socket_connect_timeout": 0.3, "socket_timeout": 0.3, "retry_on_timeout": False}
PUBLISH_RETRIES = {"max_retries": 2, "interval_start": 0.0, "interval_step": 0.05, "interval_max": 0.1}


def release_jobs(
    queue: str, *, has_turn: bool = False, since: UUID | None = None, at_most: int | None = None
) -> list[UUID]:
    """Release as many waiting jobs of `queue` as may run beside those that hold a place; return their ids.

    `has_turn`: the caller has seen that a job waits and a place is free, so this is not checked again. `since`: None,
    unless the caller knows that no older job came to wait again (`jobs.dispatch.positions`). Nothing is released from a
    queue that the settings do not name: no message could be sent to it.
    """
    if not is_declared(queue):
        logger.error("queue_not_declared", queue=queue)
        return []
    if not has_turn and not queue_needs_message(queue, since=since):
        return []
    ids = hand_out(queue, at_most=at_most or BATCH_SIZE, since=since)
    if ids:
        transaction.on_commit(partial(publish_jobs, queue, ids))
    return ids


def is_declared(queue: str) -> bool:
    """Whether messages can be sent to the queue: the settings of this process name it (`QUEUES`)."""
    return queue in current_app.amqp.queues


@dataclass(frozen=True)
class Unsent:
    """Released jobs whose messages could not be sent, and why."""

    queue: str
    ids: list[UUID]
    cause: Exception

    def take_back(self) -> None:
        """Let the jobs wait again; Beat releases them again.

        Redis may be away for a while; any other error is permanent, and is kept for the staff to see. Like all changes
        of several jobs, this locks them in the order of their ids.
        """
        with transaction.atomic():
            queued = Job.objects.select_for_update(no_key=True).filter(pk__in=self.ids, state=State.QUEUED)
            waiting = queued.order_by("pk").values_list("pk", flat=True)
            Job.objects.filter(pk__in=list(waiting)).update(released_at=None)
        if not is_redis_away(self.cause):
            keep_failure(self.queue, self.cause)


def publish_jobs(queue: str, ids: Iterable[UUID]) -> None:
    """Ring the doorbell for released jobs: one message each, with the id and nothing else.

    If that fails, the jobs go back to waiting.
    """
    if unsent := send_messages(queue, ids):
        unsent.take_back()


def send_messages(queue: str, ids: Iterable[UUID]) -> Unsent | None:
    """Send the messages of released jobs, without the database. What is returned must be taken back."""
    waiting = list(ids)
    try:
        with producers[_publishing_connection()].acquire(block=True, timeout=1) as producer:
            route = current_app.amqp.router.route({"queue": queue}, EXECUTE_JOB)  # QueueNotFound if it is not declared
            while waiting:
                _send(producer, str(waiting[0]), **route)
                waiting.pop(0)
    except Exception as error:  # whatever the broker's client raises: the row is safe, Beat goes on
        cause = cause_of(error)
        log = logger.warning if is_redis_away(cause) else logger.error
        told = {"error_class": type(cause).__name__, "error": in_one_line(cause)}
        log("publish_failed", queue=queue, jobs=len(waiting), **told)
        return Unsent(queue, waiting, cause)
    return None


def _send(producer: Producer, job_id: str, **route: Any) -> None:
    """Send the message that `send_task` would send, without what it does for tasks whose results are waited for.

    It also has Celery's signals: by them the request id comes into the headers. The message names no parent task: a
    worker that hands out jobs would note each of them in the result of its own task.
    """
    amqp, task_id = current_app.amqp, uuid()
    shown = {"argsrepr": repr([job_id]), "kwargsrepr": "{}", "origin": anon_nodename()}
    message = amqp.create_task_message(task_id, EXECUTE_JOB, [job_id], {}, reply_to=current_app.thread_oid, **shown)
    amqp.send_task_message(producer, EXECUTE_JOB, message, retry=True, retry_policy=PUBLISH_RETRIES, **route)


@cache
def _publishing_connection() -> Connection:
    options = {**current_app.conf.broker_transport_options, **PUBLISH_TIMEOUTS}
    return current_app.connection_for_write().clone(transport_options=options)
