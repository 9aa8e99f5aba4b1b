"""How a user's files call the columns of a type."""

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from uploads import remembering
from uploads.remembering import remember_headings, remembered_headings

pytestmark = pytest.mark.django_db


def test_headings_are_kept_per_user_and_type(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    eve = User.objects.create_user("eve")
    with django_assert_num_queries(2):
        remember_headings(owner, "items", {"ＡＲＴＩＫＥＬ ": "Code", "Note": None})
    assert remembered_headings(owner, "items") == {"artikel": "Code", "note": None}
    assert remembered_headings(owner, "suppliers") == remembered_headings(eve, "items") == {}


def test_a_new_choice_replaces_the_former(owner: User) -> None:
    remember_headings(owner, "items", {"Artikel": "Code", "Name": "Name"})
    remember_headings(owner, "items", {"artikel": None})
    assert remembered_headings(owner, "items") == {"artikel": None, "name": "Name"}


def test_there_is_an_end(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST_REMEMBERED", 2)
    remember_headings(owner, "items", {"a": "Code"})
    remember_headings(owner, "items", {"b": "Code", "c": "Code", "a": "Name"})
    assert remembered_headings(owner, "items") == {"a": "Name", "b": "Code"}
