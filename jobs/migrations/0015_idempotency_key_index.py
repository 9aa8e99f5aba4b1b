from django.db import migrations, models

#: Built while orders go on: without CONCURRENTLY none could be written for as long as it takes to read all jobs. One that
#: was interrupted leaves an index that is not valid, so whatever is there goes first.
DROP = "DROP INDEX CONCURRENTLY IF EXISTS jobs_job_idempotency_key"
BUILD = (
    "CREATE UNIQUE INDEX CONCURRENTLY jobs_job_idempotency_key ON jobs_job (owner, idempotency_key)"
    " WHERE idempotency_key IS NOT NULL"
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('jobs', '0015_api_contract'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # As Django makes a UniqueConstraint that has a condition.
            database_operations=[migrations.RunSQL([DROP, BUILD], [DROP])],
            state_operations=[
                migrations.AddConstraint(
                    model_name='job',
                    constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('owner', 'idempotency_key'), name='jobs_job_idempotency_key'),
                ),
            ],
        ),
    ]
