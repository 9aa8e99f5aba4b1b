from django.apps import AppConfig


class WarehouseConfig(AppConfig):
    """Without migrations: the test database gets the tables of such apps, too."""

    name = "tests.support.apps.warehouse"
    label = "warehouse"
    default_auto_field = "django.db.models.BigAutoField"
