"""Whom a user asks for help."""

import pytest
from pytest_django import Settings

from jobs.checks import check_support_contact
from jobs.pages.support import support_contact


@pytest.mark.parametrize(
    ("contact", "url"),
    [
        ("help@example.com", "mailto:help@example.com"),
        ("https://help.example.com/new", "https://help.example.com/new"),
        ("http://help.example.com", "http://help.example.com"),
    ],
)
def test_a_contact_is_a_link(settings: Settings, contact: str, url: str) -> None:
    settings.SUPPORT_CONTACT = contact
    assert support_contact() == (contact, url)
    assert check_support_contact(None) == []


def test_there_may_be_none(settings: Settings) -> None:
    settings.SUPPORT_CONTACT = ""
    assert support_contact() is None
    assert check_support_contact(None) == []


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "ftp://example.com", "Bob", "mailto:help@example.com"])
def test_anything_else_is_refused_at_the_start(settings: Settings, contact: str) -> None:
    settings.SUPPORT_CONTACT = contact
    [found] = check_support_contact(None)
    assert (found.id, found.msg) == (
        "jobs.E011",
        "SUPPORT_CONTACT must be a mail address, or a URL with http or https.",
    )
