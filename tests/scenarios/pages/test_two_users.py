"""Two people at two computers, who order and upload at the same time."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from examples.sales.models import Customer
from examples.sales.seeding import seed_sales
from jobs.models import Artifact, Job
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.stack import Stack
from tests.support.upload_form import choose
from tests.support.uploads import file_of

LONG = 60_000  # milliseconds


class Person:
    """A user, their page, and what they have ordered: the customers of a country, and an item of their own."""

    def __init__(self, name: str, country: str, visit: Callable[..., Page]) -> None:
        self.user = User.objects.create_user(name)
        self.tenant = Tenant.objects.create(code=name)
        self.country, self.filename = country, f"items-of-{name}.csv"
        self.page = visit(self.user)

    def order(self) -> None:
        self.page.goto("/reports/new?type=customers")
        self.page.select_option("[name='parameters.country']", self.country)
        self.page.get_by_role("button", name="Order", exact=True).click()
        expect(self.page.get_by_role("heading", name="Customers")).to_be_visible()

    def upload(self) -> None:
        self.page.goto("/uploads/new?type=items")
        data = f"Code,Name,Price\nA-1,Bolt of {self.user.username},1.50\n".encode()
        choose(self.page, {"name": self.filename, "mimeType": "text/csv", "buffer": data})
        self.page.get_by_role("button", name="Upload", exact=True).click()

    def jobs(self, kind: str) -> list[str]:
        return [str(job.pk) for job in Job.objects.filter(owner=self.user, kind=kind)]

    def shown(self, path: str) -> set[str]:
        """The ids of the jobs on a page with a list."""
        self.page.goto(path)
        rows = self.page.locator(".job").evaluate_all("rows => rows.map(row => row.id)")
        return {row.removeprefix("job-") for row in rows}


@pytest.fixture
def people(stack: Stack, visit: Callable[..., Page]) -> list[Person]:
    list(seed_sales(lines=1000, using="default"))
    return [Person("ada", "JP", visit), Person("bob", "DE", visit)]


def test_each_sees_finds_and_downloads_only_what_is_their_own(people: list[Person], tmp_path: Path) -> None:
    for person in people:
        person.upload()
    for person in people:
        expect(person.page.get_by_role("heading", name="The file is in")).to_be_visible(timeout=LONG)
        expect(person.page.locator(".lead")).to_contain_text(person.filename)
    for person in people:
        person.order()
    for person in people:
        expect(person.page.locator(".headline .badge")).to_have_text("Complete", timeout=LONG)
        with person.page.expect_download() as download:
            person.page.get_by_role("link", name="Download").click()
        download.value.save_as(tmp_path / person.country)
        with (tmp_path / person.country).open(newline="") as file:
            _, *rows = csv.reader(file)
        customers = Customer.objects.filter(country=person.country)
        assert sorted(row[0] for row in rows) == sorted(customers.values_list("code", flat=True)) != []
        item = Item.objects.get(tenant=person.tenant)
        assert (item.code, item.name) == ("A-1", f"Bolt of {person.user.username}")

    for person, other in (people, people[::-1]):
        [report], [upload] = person.jobs("report"), person.jobs("upload")
        assert person.shown("/reports") == {report}
        assert person.shown("/uploads") == {upload}
        assert person.shown("/") == {report}
        assert person.shown("/search?q=items-of") == {upload}
        assert person.shown("/search?q=customers") == {report}
        assert person.shown(f"/search?q={other.filename}") == set()
        for path in (f"/reports/{other.jobs('report')[0]}", f"/uploads/{other.jobs('upload')[0]}"):
            answer = person.page.goto(path)
            assert answer is not None
            assert answer.status == 404
            expect(person.page.get_by_role("heading", name="Page not found")).to_be_visible()
            assert other.user.username not in person.page.inner_text("main")
        assert person.page.request.get(f"/api/reports/{other.jobs('report')[0]}/download").status == 404
        assert file_of(Job.objects.get(pk=upload), Artifact.Role.SOURCE).decode().count(person.user.username) == 1
