"""Parameters that name a row of a table: the list, the search, and what is allowed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework import serializers

from examples.sales.models import Customer, Product
from jobs.models import Job
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

LOOKUP = "/reports/lookup?type=made"


def make_customers(count: int, **values: Any) -> list[Customer]:
    return Customer.objects.bulk_create(
        Customer(**{"code": f"C{number:04}", "name": f"Customer {number}", "country": "JP", "address": "x"} | values)
        for number in range(count)
    )


@pytest.fixture
def made(report_of: Callable[..., str]) -> str:
    """A type with a customer of Japan and a product."""

    class Place(serializers.Serializer[Any]):
        customer = serializers.PrimaryKeyRelatedField(queryset=Customer.objects.all(), required=False)

    class Parameters(serializers.Serializer[Any]):
        customer = serializers.PrimaryKeyRelatedField(
            queryset=Customer.objects.filter(country="JP"), label="Customer", help_text="Who bought it."
        )
        product = serializers.SlugRelatedField(slug_field="sku", queryset=Product.objects.all(), required=False)
        place = Place(required=False)
        year = serializers.IntegerField(required=False)

    return report_of(lambda parameters: f"SELECT {parameters['customer'].pk}", Parameters=Parameters)


def found(client: Client, field: str, searched: str) -> list[str]:
    response = client.get(LOOKUP, {"type": "made", "field": field, "q": searched})
    assert response.status_code == 200
    return [option.label for option in response.context["options"]]


def test_a_short_table_is_a_list(signed_in: Client, made: str) -> None:
    first, second = make_customers(2)
    html = signed_in.get("/reports/new?type=made").content.decode()
    assert f'<option value="{first.pk}">{first}</option>' in html
    assert '<select id="parameters.customer" name="parameters.customer" data-value required' in html
    answer = signed_in.post("/reports/new?type=made", {"parameters.customer": str(second.pk)})
    assert answer.status_code == 303
    job = Job.objects.get()
    assert job.payload["parameters"] == {"customer": second.pk}
    like = signed_in.get(f"/reports/new?like={job.pk}").content.decode()
    assert f'<option value="{second.pk}" selected>' in like


def test_a_long_table_is_an_input_for_the_value(signed_in: Client, made: str) -> None:
    customers = make_customers(201)
    html = signed_in.get("/reports/new?type=made").content.decode()
    assert '<input id="parameters.customer" name="parameters.customer" type="text" value="" data-value' in html
    assert 'data-search="/reports/lookup?type=made&amp;field=customer"' in html
    answer = signed_in.post("/reports/new?type=made", {"parameters.customer": str(customers[7].pk), "preview": "yes"})
    assert f'value="{customers[7].pk}" data-value data-label="{customers[7]}"' in answer.content.decode()


@pytest.mark.parametrize("value", ["9" * 40, "abc", "0", "1 OR 1=1", "\0"])
def test_a_value_that_is_no_row_is_a_mistake_at_its_field(signed_in: Client, made: str, value: str) -> None:
    make_customers(201)
    answer = signed_in.post("/reports/new?type=made", {"parameters.customer": value})
    assert answer.status_code == 422
    assert [mistake.target for mistake in answer.context["mistakes"]] == ["parameters.customer"]


def test_each_word_is_searched_in_the_texts_and_the_key(signed_in: Client, made: str) -> None:
    customers = make_customers(30)
    named = [str(one) for one in customers if "7" in str(one) or one.pk == 7]
    assert found(signed_in, "customer", "customer 7") == named
    assert found(signed_in, "customer", "c0029") == [str(customers[29])]
    assert str(customers[3]) in found(signed_in, "customer", str(customers[3].pk))
    assert found(signed_in, "customer", "nobody") == []
    assert found(signed_in, "customer", "%") == []
    assert found(signed_in, "customer", "\0c0029") == [str(customers[29])]
    assert len(found(signed_in, "customer", "")) == 20


def test_only_rows_of_the_field_are_found(signed_in: Client, made: str) -> None:
    make_customers(1)
    make_customers(1, code="G1", country="DE", name="Customer from abroad")
    assert found(signed_in, "customer", "abroad") == []
    assert len(found(signed_in, "place.customer", "abroad")) == 1


def test_a_slug_is_the_value(signed_in: Client, made: str) -> None:
    Product.objects.create(sku="A-1", name="Bolt", category="Parts", list_price=1)
    response = signed_in.get(LOOKUP, {"type": "made", "field": "product", "q": "bolt"})
    assert [option.value for option in response.context["options"]] == ["A-1"]
    assert 'data-value="A-1"' in response.content.decode()


@pytest.mark.parametrize("field", ["year", "nothing", "place", "place.nothing", "", "customer.x"])
def test_other_fields_are_not_found(signed_in: Client, made: str, field: str) -> None:
    assert signed_in.get(LOOKUP, {"type": "made", "field": field}).status_code == 404


def test_a_type_that_the_user_may_not_order_is_not_found(
    signed_in: Client, client: Client, report_of: Callable[..., str]
) -> None:
    report_of("SELECT 1", may_order=lambda self, user: False)
    assert signed_in.get(LOOKUP, {"type": "made", "field": "value"}).status_code == 404
    assert Client().get(LOOKUP).status_code == 302


def test_the_page_of_a_job_does_not_read_the_whole_table(
    signed_in: Client, made: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    [customer] = make_customers(1)
    signed_in.post("/reports/new?type=made", {"parameters.customer": str(customer.pk)})
    with django_assert_num_queries(6):  # session, user, preferences, jobs, artifacts, run times
        assert f"Customer {customer.pk}" in words(signed_in.get("/reports"))


def test_the_queries_do_not_grow_with_the_table(
    signed_in: Client, made: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (3, 300):
        Customer.objects.all().delete()
        make_customers(count)
        with django_assert_num_queries(6):  # session, user, preferences, and the three tables of the form
            signed_in.get("/reports/new?type=made")
        with django_assert_num_queries(4):
            found(signed_in, "customer", "7")
