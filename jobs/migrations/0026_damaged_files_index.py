from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Of its own, and in no transaction, as 0018 says."""

    atomic = False

    dependencies = [
        ('jobs', '0025_will_fail'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='artifact',
            index=models.Index(condition=models.Q(('damaged_at__isnull', False)), fields=['damaged_at'], name='jobs_artifact_damaged'),
        ),
    ]
