from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0023_presence_of_workers'),
    ]

    operations = [
        migrations.AddField(
            model_name='artifact',
            name='damaged_at',
            field=models.DateTimeField(help_text='since when storage has been known to lack the file, or some of its bytes', null=True),
        ),
    ]
