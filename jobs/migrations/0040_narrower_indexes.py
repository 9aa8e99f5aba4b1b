from django.db import migrations, models
from django.db.models import Q

#: What each index is on, its new condition, and its old definition.
QUEUED = "state = 'queued' AND retry_at IS NULL"
WAS_QUEUED = "finished_at IS NULL AND lease_expires_at IS NULL AND retry_at IS NULL"
INDEXES = {
    "jobs_job_queued": ("(queue, owner)", QUEUED, "(queue, owner)", WAS_QUEUED),
    "jobs_job_oldest": (
        "(queue, finished_at, id)", "due AND finished_at IS NULL AND state = 'queued'",
        "(queue, id)", f"due AND {WAS_QUEUED}",
    ),
    "jobs_job_released": (
        "(queue, released_at)", "finished_at IS NULL AND released_at IS NOT NULL AND state = 'queued'",
        "(queue, released_at)", "released_at IS NOT NULL AND state = 'queued'",
    ),
    "jobs_job_running": (
        "(queue)", "finished_at IS NULL AND state = 'running'", "(queue, lease_expires_at)", "state = 'running'"
    ),
}


def replace(name, columns, condition):
    """Statements that replace an index while orders go on, the old one only once the new one can be used."""
    return [
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new",
        f"CREATE INDEX CONCURRENTLY {name}_new ON jobs_job {columns} WHERE {condition}",
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"ALTER INDEX {name}_new RENAME TO {name}",
    ]


FORWARD = [each for name, new in INDEXES.items() for each in replace(name, new[0], new[1])]
BACKWARD = [each for name, new in INDEXES.items() for each in replace(name, new[2], new[3])]
STATE = {
    "jobs_job_queued": (["queue", "owner"], Q(state="queued", retry_at=None)),
    "jobs_job_oldest": (["queue", "finished_at", "id"], Q(state="queued", due=True, finished_at=None)),
    "jobs_job_released": (["queue", "released_at"], Q(state="queued", released_at__isnull=False, finished_at=None)),
    "jobs_job_running": (["queue"], Q(state="running", finished_at=None)),
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('jobs', '0039_hand_outs'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACKWARD)],
            state_operations=[
                operation
                for name, (fields, condition) in STATE.items()
                for operation in (
                    migrations.RemoveIndex("job", name),
                    migrations.AddIndex("job", models.Index(fields=fields, name=name, condition=condition)),
                )
            ],
        ),
    ]
