from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SalesConfig(AppConfig):
    name = "examples.sales"
    label = "sales"
    verbose_name = _("Sales (example)")
    default_auto_field = "django.db.models.BigAutoField"
