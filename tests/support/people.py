"""Several users, and people of the staff."""

from django.contrib.auth.models import Group, User
from django.test import Client


def people(count: int) -> list[User]:
    return [User.objects.create_user(f"user-{number}") for number in range(count)]


def client_of_role(role: str) -> Client:
    """The browser of somebody of this role, whose name is the role's."""
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client
