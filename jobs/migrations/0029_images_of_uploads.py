from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0028_upload_progress'),
    ]

    operations = [
        migrations.AlterField(
            model_name='artifact',
            name='role',
            field=models.CharField(choices=[('result', 'Result'), ('source', 'Source'), ('errors', 'Errors'), ('results', 'Results'), ('before', 'Before')], max_length=10),
        ),
    ]
