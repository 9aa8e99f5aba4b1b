"""`manage.py create_token USERNAME`: a bearer token for the API."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from knox.models import AuthToken


class Command(BaseCommand):
    """Prints the token alone on stdout, once: the database keeps only its hash."""

    help = "Print a bearer token for USERNAME. It is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--days", type=int, default=90, help="days until it expires (90)")

    def handle(self, *args: Any, username: str, days: int, **options: Any) -> None:
        if days < 1:
            raise CommandError("--days must be 1 or more")
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(username)
        except users.DoesNotExist:
            raise CommandError(f"there is no user named {username}") from None
        if not user.is_active:
            raise CommandError(f"the user {username} is not active")
        _, token = AuthToken.objects.create(user=user, expiry=timedelta(days=days))
        self.stdout.write(token)
