"""The dials of a type in the admin."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from jobs.interventions.dials import TYPE_DIALS, set_type_dials
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
    client.post(f"/admin/jobs/typedials/{row.pk}/change/", {**initial(client, row), **changed})
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


def test_a_page_that_was_open_meanwhile_undoes_nothing(member: Callable[[str], Client]) -> None:
    client = member("administrator")
    row = set_type_dials("report", "yearly-sales", actor="ada", reason="heavy", rows_per_second=9000)
    opened = initial(client, row)
    set_type_dials("report", "yearly-sales", actor="grace", reason="it hurts", paused=True, max_running=1)
    changed = {"accepting": "on", "rows_per_second": "100", "reason": "heavier still"}
    client.post(f"/admin/jobs/typedials/{row.pk}/change/", {**opened, **changed})
    row.refresh_from_db()
    assert (row.paused, row.max_running, row.rows_per_second) == (True, 1, 100)


def initial(client: Client, row: TypeDials) -> dict[str, str]:
    """What the page keeps of the dials as it showed them."""
    page = client.get(f"/admin/jobs/typedials/{row.pk}/change/").content.decode()
    inputs = [tag for tag in re.findall(r"<input[^>]*>", page) if 'name="initial-' in tag]
    assert len(inputs) == len(TYPE_DIALS)
    found = {}
    for tag in inputs:
        kept = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        found[kept["name"]] = kept.get("value", "")
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "nonsense"}, "There is no such type. Available: "),
        ({"kind": "nonsense"}, "There is no such kind. Available: "),
        ({"database": "nonsense"}, "There is no such database. Available: default"),
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
