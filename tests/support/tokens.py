"""Bearer tokens for tests."""

from django.contrib.auth.models import User

from jobs.models.token import ApiToken
from jobs.tokens.scopes import ALL


def bearer_of(user: User, *scopes: str) -> str:
    """The text of a new token; it may do everything unless scopes are named."""
    text: str = ApiToken.objects.create(user, scopes=list(scopes) or [ALL])[1]
    return text
