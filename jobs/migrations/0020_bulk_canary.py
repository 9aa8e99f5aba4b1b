from typing import Any

from django.db import migrations, models


def keep_waiting_for_canaries(apps: Any, schema_editor: Any) -> None:
    """Runs that have sent a canary wait for it after the upgrade, too."""
    apps.get_model("jobs", "BulkRun").objects.filter(canary__isnull=False).update(with_canary=True)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0019_refusals")]

    operations = [
        migrations.AddField(
            model_name="bulkrun",
            name="with_canary",
            field=models.BooleanField(
                db_default=False, default=False, help_text="the others wait until the canary has succeeded"
            ),
        ),
        migrations.RunPython(keep_waiting_for_canaries, migrations.RunPython.noop),
    ]
