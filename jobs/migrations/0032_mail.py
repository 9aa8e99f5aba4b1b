from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """In no transaction, because of the index, as 0018 says. The columns have defaults in the database, so that adding
    them takes no time, and the previous version can still insert rows.
    """

    atomic = False

    dependencies = [
        ('jobs', '0031_share_links'),
    ]

    operations = [
        migrations.AddField(
            model_name='artifact',
            name='expiry_mailed',
            field=models.BooleanField(db_default=False, default=False, help_text='its owner was told by mail that it is about to expire'),
        ),
        migrations.AddField(
            model_name='job',
            name='mails',
            field=models.BooleanField(db_default=False, default=False, help_text='its end has yet to be announced by mail, if its owner wants that'),
        ),
        AddIndexConcurrently(
            model_name='job',
            index=models.Index(condition=models.Q(('finished_at__isnull', False), ('mails', True)), fields=['finished_at'], name='jobs_job_to_mail'),
        ),
    ]
