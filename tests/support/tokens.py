"""Bearer tokens for tests."""

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs.kinds import ALL_SCOPES
from jobs.models.token import ApiToken


def bearer_of(user: User, *scopes: str) -> str:
    """The text of a new token; it may do everything unless scopes are named."""
    text: str = ApiToken.objects.create(user, scopes=list(scopes) or [ALL_SCOPES])[1]
    return text


def client_of(user: User) -> APIClient:
    """A client of the API that sends a token of this user."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(user)}")
    return client
