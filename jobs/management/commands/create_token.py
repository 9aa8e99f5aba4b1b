"""`manage.py create_token USERNAME`: a bearer token for the API."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from jobs.kinds import ALL_SCOPES
from jobs.tokens.issuing import issue_token
from jobs.tokens.scopes import known_scopes


class Command(BaseCommand):
    """Print only the token to stdout, once: the database keeps only its hash."""

    help = "Create and print a bearer token for USERNAME. It is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--days", type=int, default=90, help="days until the token expires (90)")
        parser.add_argument("--name", default="create_token", help="purpose of the token (create_token)")
        parser.add_argument("--scopes", nargs="+", default=[ALL_SCOPES], metavar="SCOPE", help="its scopes (all)")

    def handle(self, *args: Any, username: str, days: int, name: str, scopes: list[str], **options: Any) -> None:
        if days < 1:
            raise CommandError("--days must be 1 or more")
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(username)
        except users.DoesNotExist:
            raise CommandError(f"there is no user named {username}") from None
        if not user.is_active:
            raise CommandError(f"the account of {username} is deactivated")
        known = {ALL_SCOPES, *known_scopes()}
        if unknown := sorted(set(scopes) - known):
            raise CommandError(f"there is no scope {unknown[0]}; the scopes are: {', '.join(sorted(known))}")
        _, text = issue_token(user=user, name=name, scopes=scopes, days=days, actor="create_token")
        self.stdout.write(text)
