"""`manage.py create_demo_accounts`: the demo accounts of the embedded servers, with well-known passwords."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Create the accounts demo/demo and staff/staff unless they exist. For the embedded servers only."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("demo accounts are created only where Longhaul starts its own PostgreSQL and Redis")
        users = get_user_model().objects
        for name, is_staff in (("demo", False), ("staff", True)):
            rights = {"is_staff": is_staff, "is_superuser": is_staff}
            user, created = users.get_or_create(username=name, defaults=rights)
            if created:
                user.set_password(name)
                user.save()
                self.stdout.write(f"created the account {name}")
