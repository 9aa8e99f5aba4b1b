"""Several users."""

from django.contrib.auth.models import User


def people(count: int) -> list[User]:
    return [User.objects.create_user(f"user-{number}") for number in range(count)]
