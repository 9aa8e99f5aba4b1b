import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0038_steps_have_files'),
    ]

    operations = [
        migrations.CreateModel(
            name='HandOut',
            fields=[
                ('pk', models.CompositePrimaryKey('queue', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('queue', models.CharField(max_length=50)),
                ('number', models.BigIntegerField()),
                ('last_owner', models.BigIntegerField(help_text='the owner served last; the next look continues after it')),
                ('held', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), help_text='jobs that held a place then; NULL if they were not remembered', null=True, size=None)),
                ('waiting_from', models.UUIDField(help_text='no job with a lower id waited then')),
            ],
            options={
                'db_table': 'jobs_handout',
            },
        ),
    ]
