"""Saved orders: what is saved, ordered, renamed and deleted, and by whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework import serializers

from jobs.models import Job, SavedOrder
from jobs.types.saved_orders import MOST_SAVED
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

YEAR = {"parameters.year": "2023", "csv.preset": "excel"}


def save(client: Client, name: str, **entered: Any) -> Any:
    return client.post("/reports/new?type=yearly-sales", {**YEAR, **entered, "save": "yes", "save_name": name})


def saved_one(client: Client, name: str = "Monthly") -> SavedOrder:
    assert save(client, name).status_code == 303
    return SavedOrder.objects.get(name=name)


def test_a_form_is_saved_under_a_name_and_listed_first(signed_in: Client, owner: User) -> None:
    answer = save(signed_in, "  Monthly   figures ")
    assert (answer.status_code, answer["Location"]) == (303, "/reports/new")
    saved = SavedOrder.objects.get()
    assert (saved.owner, saved.kind, saved.type, saved.name) == (owner, "report", "yearly-sales", "Monthly figures")
    assert saved.payload["parameters"] == {"year": 2023}
    assert saved.payload["csv"]["encoding"] == "utf-8-sig"
    assert not {"columns", "preset"} & (saved.payload.keys() | saved.payload["csv"].keys())
    text = words(signed_in.get("/reports/new"))
    assert "Saved as “Monthly figures”. You can order it with one click." in text
    assert "My saved orders Monthly figures Yearly sales Order now" in text
    assert not Job.objects.exists()


def test_one_click_orders_it(signed_in: Client) -> None:
    saved = saved_one(signed_in)
    answer = signed_in.post(f"/reports/saved/{saved.pk}/order")
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/reports/{job.pk}")
    assert (job.payload["parameters"], job.payload["csv"]["encoding"]) == ({"year": 2023}, "utf-8-sig")


def test_it_opens_as_a_form(signed_in: Client) -> None:
    page = signed_in.get(f"/reports/saved/{saved_one(signed_in).pk}")
    assert "From your saved order “Monthly”." in words(page)
    assert 'name="parameters.year" type="number" value="2023"' in page.content.decode()
    assert 'value="excel" checked>' in page.content.decode()


def test_the_form_of_a_saved_order_replaces_it_under_its_own_name(signed_in: Client) -> None:
    saved = saved_one(signed_in)
    saved_one(signed_in, "Other")
    page = signed_in.get(f"/reports/saved/{saved.pk}").content.decode()
    assert f'<input type="hidden" name="saved" value="{saved.pk}">' in page
    assert 'name="save_name" value="Monthly"' in page
    changed = {"parameters.year": "2021", "saved": str(saved.pk)}
    assert save(signed_in, "Monthly", **changed).status_code == 303
    saved.refresh_from_db()
    assert saved.payload["parameters"] == {"year": 2021}
    refused = save(signed_in, "Other", **changed)
    assert refused.status_code == 422
    assert f'<input type="hidden" name="saved" value="{saved.pk}">' in refused.content.decode()
    assert save(signed_in, "New", **changed).status_code == 303
    assert save(signed_in, "Newer", saved="9" * 30).status_code == 303
    assert [one.payload["parameters"]["year"] for one in SavedOrder.objects.order_by("pk")] == [2021, 2023, 2021, 2023]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (" ", "Enter a name."),
        ("x" * 101, "Enter a shorter name: it can have 100 characters."),
        ("Monthly", "You already have a saved order of this name. Choose another name."),
    ],
)
def test_a_name_that_will_not_do_is_refused_and_nothing_is_lost(signed_in: Client, name: str, reason: str) -> None:
    saved_one(signed_in)
    answer = save(signed_in, name, **{"parameters.year": "2021"})
    assert answer.status_code == 422
    assert f"The order was not saved {reason}" in words(answer)
    assert 'value="2021"' in answer.content.decode()
    assert SavedOrder.objects.get().payload["parameters"] == {"year": 2023}


def test_a_form_with_mistakes_is_not_saved(signed_in: Client) -> None:
    assert save(signed_in, "Monthly", **{"parameters.year": "1"}).status_code == 422
    assert not SavedOrder.objects.exists()


def test_their_number_is_limited(signed_in: Client, owner: User) -> None:
    SavedOrder.objects.bulk_create(
        SavedOrder(owner=owner, kind="report", type="yearly-sales", name=str(number), payload={})
        for number in range(MOST_SAVED)
    )
    answer = save(signed_in, "One more")
    assert answer.status_code == 422
    assert "You have 100 saved orders, which is the maximum. Delete one first." in words(answer)


def test_secrets_are_not_saved_and_asked_for_again(signed_in: Client, report_of: Callable[..., str]) -> None:
    class Parameters(serializers.Serializer[Any]):
        shop = serializers.CharField()
        password = serializers.CharField()

    report_of("SELECT 1", Parameters=Parameters)
    entered = {"parameters.shop": "North", "parameters.password": "hunter2hunter2", "save": "yes", "save_name": "It"}
    assert signed_in.post("/reports/new?type=made", entered).status_code == 303
    saved = SavedOrder.objects.get()
    assert saved.payload["parameters"] == {"shop": "North"}
    answer = signed_in.post(f"/reports/saved/{saved.pk}/order")
    assert answer.status_code == 422
    assert [mistake.target for mistake in answer.context["mistakes"]] == ["parameters.password"]
    assert not Job.objects.exists()


def test_it_is_renamed(signed_in: Client) -> None:
    saved = saved_one(signed_in)
    saved_one(signed_in, "Taken")
    for name, message in (
        ("Yearly", "Renamed to “Yearly”."),
        ("Taken", "You already have a saved order of this name. Choose another name."),
        ("", "Enter a name."),
    ):
        assert signed_in.post(f"/reports/saved/{saved.pk}/rename", {"name": name})["Location"] == "/reports/new"
        assert message in words(signed_in.get("/reports/new"))
    saved.refresh_from_db()
    assert saved.name == "Yearly"


def test_it_is_deleted(signed_in: Client) -> None:
    assert signed_in.post(f"/reports/saved/{saved_one(signed_in).pk}/delete").status_code == 303
    assert not SavedOrder.objects.exists()
    assert "Deleted the saved order “Monthly”." in words(signed_in.get("/reports/new"))


def test_it_belongs_to_its_owner(signed_in: Client) -> None:
    saved = saved_one(signed_in)
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger"))
    assert stranger.get(f"/reports/saved/{saved.pk}").status_code == 404
    for action in ("order", "rename", "delete"):
        assert stranger.post(f"/reports/saved/{saved.pk}/{action}", {"name": "x"}).status_code == 404
    assert "Monthly" not in words(stranger.get("/reports/new"))
    assert not Job.objects.exists()


def test_a_type_that_may_no_longer_be_ordered_leaves_the_name(signed_in: Client, owner: User) -> None:
    saved = SavedOrder.objects.create(owner=owner, kind="report", type="gone", name="Old", payload={})
    text = words(signed_in.get("/reports/new"))
    assert "Old You can no longer order this type. More New name Rename Delete… This permanently" in text
    assert signed_in.get(f"/reports/saved/{saved.pk}").status_code == 404


def test_columns_follow_the_language_of_the_page(signed_in: Client, owner: User) -> None:
    payload = {"parameters": {"year": 2023}, "csv": {"encoding": "utf-8"}, "columns": ["Units", "Month"]}
    saved = SavedOrder.objects.create(
        owner=owner, kind="report", type="yearly-sales", name="Old", payload=payload, language="en"
    )
    assert signed_in.post(f"/reports/saved/{saved.pk}/order", headers={"Accept-Language": "ja"}).status_code == 303
    job = Job.objects.get()
    assert job.payload["language"] == "ja"
    assert len(job.payload["columns"]) == 2


def test_the_number_of_queries_is_constant(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        saved_one(signed_in, str(number))
    signed_in.get("/reports/new")  # it shows the messages
    with django_assert_num_queries(5):  # session, user, preferences, what runs of all types took, saved orders
        signed_in.get("/reports/new")
