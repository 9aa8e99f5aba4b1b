"""The text of a page."""

from django.utils.html import strip_tags


def words(response: object) -> str:
    """The text of a page, with single spaces."""
    return " ".join(strip_tags(response.content.decode().replace("<", " <")).split())  # type: ignore[attr-defined]
