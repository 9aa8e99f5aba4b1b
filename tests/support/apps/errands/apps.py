from django.apps import AppConfig


class ErrandsConfig(AppConfig):
    name = "tests.support.apps.errands"

    def ready(self) -> None:
        from jobs.kinds import register_kind
        from jobs.pages.sections import register_sections
        from tests.support.apps.errands.kind import ERRAND

        register_kind(ERRAND)
        register_sections({"errand-list": "Errands", "errand-order": "Order an errand"})
