"""The benchmark of a long snapshot lets jobs go by, and vacuum keeps what they leave only under a snapshot."""

import pytest
from django.contrib.auth.models import User
from django.db import connection

from bench import backlog, long_snapshot
from jobs.models import HandOut, Job
from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("held", [False, True])
def test_a_snapshot_keeps_what_the_jobs_left(held: bool, owner: User) -> None:
    with backlog.unheard_queue(), long_snapshot.snapshot(held=held):
        long_snapshot.let_pass(owner, jobs=300, tidy=True)
        assert Job.objects.filter(queue=backlog.QUEUE, state=State.SUCCEEDED).count() == 301
        assert HandOut.objects.filter(queue=backlog.QUEUE).count() == 1
        assert len(long_snapshot.milliseconds(owner, 3)) == 3
        with connection.cursor() as cursor:
            cursor.execute("VACUUM jobs_job")
            cursor.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'jobs_job'")
            dead = cursor.fetchone()[0]
        assert (dead >= 3 * 300) is held
