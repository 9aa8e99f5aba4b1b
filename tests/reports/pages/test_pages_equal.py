"""An order that there is already: its user is asked before it is made again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework import serializers

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

ENTERED = {"parameters.year": "2023", "csv.preset": "utf-8"}


def order(client: Client, **entered: str) -> Any:
    """The name of the token sounds like a secret, but it is none of the order's."""
    form = {"csrfmiddlewaretoken": "x", **ENTERED, **entered}
    return client.post("/reports/new?type=yearly-sales", form)


def complete(publish: Callable[..., Artifact]) -> Job:
    """What was ordered is complete, and five minutes old."""
    Job.objects.update(state=State.SUCCEEDED, finished_at=Now(), created_at=timezone.now() - timedelta(minutes=5))
    job = Job.objects.get()
    publish(job, row_count=1234, size_bytes=2048)
    return job


def test_a_complete_one_is_offered_with_its_age_rows_and_size(
    signed_in: Client, publish: Callable[..., Artifact]
) -> None:
    assert order(signed_in).status_code == 303
    job = complete(publish)
    answer = order(signed_in)
    assert answer.status_code == 200
    text = words(answer).replace("\N{NO-BREAK SPACE}", " ")
    assert "You already have this report" in text
    assert "Yearly sales Complete Ordered 5 minutes ago Rows 1,234 Size 2.0 kB Use this one Order a new one" in text
    assert f'class="button" href="/reports/{job.pk}"' in answer.content.decode()
    assert Job.objects.count() == 1


def test_one_in_progress_is_offered(signed_in: Client) -> None:
    order(signed_in)
    assert "Yearly sales Queued Ordered just now Use this one" in words(order(signed_in))


def test_a_new_one_is_ordered_with_the_very_values_of_the_form(
    signed_in: Client, publish: Callable[..., Artifact]
) -> None:
    entered = {"columns_offered": "yes", "columns": ["Units", "Month"]}
    order(signed_in, **entered)  # type: ignore[arg-type]
    complete(publish)
    page = order(signed_in, **entered).context["found"]  # type: ignore[arg-type]
    assert page.values == [*ENTERED.items(), ("columns_offered", "yes"), ("columns", "Units"), ("columns", "Month")]
    assert order(signed_in, **entered, again="yes").status_code == 303  # type: ignore[arg-type]
    newest, first = Job.objects.order_by("-pk")
    assert newest.payload == first.payload


def test_a_saved_order_asks_too(signed_in: Client, publish: Callable[..., Artifact]) -> None:
    order(signed_in, save="yes", save_name="Monthly")
    saved = f"/reports/saved/{signed_in.get('/reports/new').context['saved'][0]['order'].pk}/order"
    assert signed_in.post(saved).status_code == 303
    complete(publish)
    assert "You already have this report" in words(signed_in.post(saved))
    assert signed_in.post(saved, {"again": "yes"}).status_code == 303
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda: Job.objects.update(created_at=Now() - timedelta(minutes=61)),
        lambda: Job.objects.update(owner=User.objects.create_user("stranger")),
        lambda: Job.objects.update(state=State.DEAD),
    ],
    ids=["too old", "a stranger's", "failed"],
)
def test_what_is_of_no_use_is_not_offered(signed_in: Client, change: Callable[[], None]) -> None:
    order(signed_in)
    change()
    assert order(signed_in).status_code == 303


def test_other_columns_are_another_report(signed_in: Client) -> None:
    order(signed_in)
    assert order(signed_in, columns_offered="yes", columns="Month").status_code == 303


def test_a_secret_is_not_written_into_a_page(signed_in: Client, report_of: Callable[..., str]) -> None:
    class Parameters(serializers.Serializer[Any]):
        password = serializers.CharField()

    report_of("SELECT 1", Parameters=Parameters)
    for _ in range(2):
        assert signed_in.post("/reports/new?type=made", {"parameters.password": "hunter2hunter2"}).status_code == 303


def test_the_question_takes_constant_queries(
    signed_in: Client, publish: Callable[..., Artifact], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    order(signed_in)
    complete(publish)
    with django_assert_num_queries(5):  # session, user, preferences, equal jobs, their files
        order(signed_in)
