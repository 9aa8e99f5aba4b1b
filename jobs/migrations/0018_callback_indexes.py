from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Of its own, and in no transaction: on a large table an index takes long, and a plain one keeps workers from
    claiming and from renewing their leases meanwhile. One that was interrupted stays behind as invalid: drop it, and
    migrate again (https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY).
    """

    atomic = False

    dependencies = [
        ('jobs', '0017_callbacks'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='job',
            index=models.Index(condition=models.Q(('calls_back', True), ('finished_at__isnull', False)), fields=['finished_at'], name='jobs_job_to_announce'),
        ),
    ]
