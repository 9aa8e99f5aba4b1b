"""`manage.py create_demo_accounts`: the accounts of the embedded default, whose passwords everybody knows."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Makes `demo` and `staff`, unless they exist. Refuses outside of the embedded default."""

    help = "Create the accounts demo/demo and staff/staff. For the embedded servers only."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("demo accounts exist only where Longhaul starts its own PostgreSQL and Redis")
        users = get_user_model().objects
        for name, is_staff in (("demo", False), ("staff", True)):
            user, created = users.get_or_create(
                username=name, defaults={"is_staff": is_staff, "is_superuser": is_staff}
            )
            if created:
                user.set_password(name)
                user.save()
                self.stdout.write(f"created the account {name}")
