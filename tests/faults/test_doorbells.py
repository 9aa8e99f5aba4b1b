"""Messages that never come, come too often, or make no sense."""

import base64
import json
import os
import subprocess
import sys
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from uuid_utils.compat import uuid7

from config.stack.datafolder import BASE_DIR
from jobs.dispatch.release import publish_jobs
from jobs.models import Job
from jobs.states import State
from tests.support.fault import Fault
from tests.support.messages import messages
from tests.support.waiting import wait_until

CRASH = """
import os, signal, sys, django
django.setup()
from django.contrib.auth.models import User
from django.db import transaction
from jobs.dispatch.submission import submit_job
with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    submit_job(kind="fault-work", owner=User.objects.get(), payload={"journal": sys.argv[1]})
"""


def test_a_web_process_that_dies_between_commit_and_publish(fault: Fault, database_url: str) -> None:
    environment = {**fault.stack.environment, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    died = subprocess.run(
        [sys.executable, "-c", CRASH, str(fault.journal)], cwd=BASE_DIR, env=environment, check=False, timeout=30
    )
    assert died.returncode == -9
    job = Job.objects.get()
    assert (job.state, job.released_at) == (State.QUEUED, None)
    fault.mend_until(job, State.SUCCEEDED)
    assert fault.works_done() == [str(job.pk)]


def test_a_message_delivered_fifty_times_at_once_is_one_claim(fault: Fault) -> None:
    looked_at = fault.stack.log("worker-csv").count("job_not_claimable")
    job = fault.submit("work")
    publish_jobs("reports", [job.pk] * 50)
    wait_until(lambda: fault.stack.log("worker-csv").count("job_not_claimable") == looked_at + 50)
    fault.wait_for(job, State.SUCCEEDED)
    assert fault.outcomes(job) == ["succeeded"]
    assert fault.works_done() == [str(job.pk)]


def test_a_message_for_a_job_that_does_not_exist_is_dropped_quietly(fault: Fault) -> None:
    """As after a transaction that was rolled back, or a job that was pruned."""
    log = fault.stack.log("worker-csv")
    unknown: UUID = uuid7()
    publish_jobs("reports", [unknown])
    wait_until(lambda: f"job_id={unknown}" in fault.stack.log("worker-csv"))
    fault.wait_for(fault.submit("work"), State.SUCCEEDED)
    assert "Traceback" not in fault.stack.log("worker-csv")[len(log) :]


def envelope(body: str, **headers: Any) -> str:
    """A message as Celery puts it into Redis."""
    properties = {
        "correlation_id": str(uuid4()),
        "delivery_tag": str(uuid4()),
        "delivery_info": {"exchange": "", "routing_key": "reports"},
        "delivery_mode": 2,
        "body_encoding": "base64",
        "priority": 0,
    }
    known = {"lang": "py", "task": "jobs.execute_job", "id": str(uuid4())}
    return json.dumps(
        {
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {**known, **headers},
            "properties": properties,
        }
    )


@pytest.mark.parametrize(
    "message",
    [
        "no json at all {",
        json.dumps({"not": "an envelope"}),
        envelope("no json at all {"),
        envelope(json.dumps([["no uuid"], {}, {}])),
        envelope(json.dumps([[], {}, {}])),
        envelope(json.dumps([[7], {}, {}])),
        envelope(json.dumps([["x"], {}, {}]), task="no.such_task"),
    ],
    ids=["no JSON", "no envelope", "body no JSON", "no UUID", "no argument", "number", "unknown task"],
)
def test_a_message_that_makes_no_sense_is_dropped_and_the_next_is_served(message: str, fault: Fault) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.lpush("reports", message)
    job = fault.submit("work")

    def done() -> bool:
        fault.stack.ensure_workers()
        fault.mend()
        return Job.objects.filter(pk=job.pk, state=State.SUCCEEDED).exists()

    wait_until(done, every=0.2)
    wait_until(lambda: messages("reports") == [])
    assert fault.outcomes(job) == ["succeeded"]
