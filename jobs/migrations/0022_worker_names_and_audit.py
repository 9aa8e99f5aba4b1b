from django.db import migrations, models

KEPT = """
    CREATE TRIGGER jobs_auditentry_kept BEFORE TRUNCATE ON jobs_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION jobs_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0021_attempt_process")]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="worker",
            field=models.TextField(help_text="name of the Celery worker"),
        ),
        migrations.RunSQL(KEPT, "DROP TRIGGER jobs_auditentry_kept ON jobs_auditentry"),
    ]
