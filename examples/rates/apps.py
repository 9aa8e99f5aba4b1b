from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RatesConfig(AppConfig):
    """An example without tables. Its call type exists where the setting EXAMPLE_RATES_URL names a server."""

    name = "examples.rates"
    label = "rates"
    verbose_name = _("Exchange rates (example)")
