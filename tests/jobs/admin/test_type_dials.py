"""The dials of a type in the admin."""

from collections.abc import Callable

import pytest
from django.test import Client

from jobs.models import AuditEntry, TypeDials

pytestmark = pytest.mark.django_db
ADD = "/admin/jobs/typedials/add/"
POSTED = {
    "kind": "report", "type": "yearly-sales", "accepting": "on", "rows_per_second": "9000", "pace": "auto",
    "reason": "too heavy",
}  # fmt: skip


def test_they_are_added_changed_and_dropped_each_with_its_entry(member: Callable[[str], Client]) -> None:
    client = member("administrator")
    client.post(ADD, POSTED)
    row = TypeDials.objects.get()
    assert (row.kind, row.type, row.rows_per_second, row.pace) == ("report", "yearly-sales", 9000, "auto")
    changed = {
        "accepting": "on", "max_running": "2", "rows_per_second": "100", "pace": "", "database": "default",
        "reason": "heavier still",
    }  # fmt: skip
    client.post(f"/admin/jobs/typedials/{row.pk}/change/", changed)
    row.refresh_from_db()
    assert (row.rows_per_second, row.pace, row.database) == (100, "", "default")
    client.post(f"/admin/jobs/typedials/{row.pk}/delete/", {"post": "yes"})
    assert not TypeDials.objects.exists()
    entries = AuditEntry.objects.order_by("id").values_list("action", "target_id", "reason", "before", "after")
    name = "report yearly-sales"
    assert list(entries) == [
        ("add", name, "too heavy", {}, {"rows_per_second": 9000, "pace": "auto"}),
        (
            "change",
            name,
            "heavier still",
            {"max_running": None, "rows_per_second": 9000, "pace": "auto", "database": ""},
            {"max_running": 2, "rows_per_second": 100, "pace": "", "database": "default"},
        ),
        ("delete", name, "", {"max_running": 2, "rows_per_second": 100, "database": "default"}, {}),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "nonsense"}, "There is no such type. There are: "),
        ({"kind": "nonsense"}, "There is no such kind. There are: "),
        ({"database": "nonsense"}, "There is no such database. There are: default"),
        ({"rows_per_second": "0"}, "greater than or equal to 1"),
        ({"reason": " "}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said(member: Callable[[str], Client], change: dict[str, str], said: str) -> None:
    assert said in member("administrator").post(ADD, {**POSTED, **change}).content.decode()
    assert not TypeDials.objects.exists()


def test_an_operator_looks_only(member: Callable[[str], Client]) -> None:
    row = TypeDials.objects.create(kind="report", type="yearly-sales", rows_per_second=5)
    client = member("operator")
    assert "yearly-sales" in client.get("/admin/jobs/typedials/").content.decode()
    page = client.get(f"/admin/jobs/typedials/{row.pk}/change/").content.decode()
    assert 'name="reason"' not in page
    assert client.post(ADD, POSTED).status_code == 403
    assert client.post(f"/admin/jobs/typedials/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert TypeDials.objects.get() == row
