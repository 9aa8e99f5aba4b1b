"""Any upload, any edits behind it: an undo takes back exactly what is still as the upload left it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.undos import shown, undo
from tests.support.uploads import upload

pytestmark = pytest.mark.django_db(transaction=True)

#: Code → name and price.
TABLES = st.dictionaries(
    st.sampled_from("ABCDEFGH"), st.tuples(st.sampled_from(["Bolt", "\\N", "Nut\t"]), st.integers(1, 2)), min_size=1
)
EDITS = st.dictionaries(st.sampled_from("ABCDEFGH"), st.sampled_from(["price", "note", "delete"]), max_size=4)


def read() -> dict[str, tuple[str, int, str | None]]:
    return {item.code: (item.name, int(item.price), item.note) for item in Item.objects.all()}


def write(owner: User, table: dict[str, tuple[str, int]]) -> Any:
    rows = "".join(f"{code},{name},{price}\n" for code, (name, price) in table.items())
    job = upload(owner, "items", f"Code,Name,Price\n{rows}")
    assert job.state == State.SUCCEEDED, job.error_message
    return job


def edit(edits: dict[str, str]) -> None:
    for code, act in edits.items():
        rows = Item.objects.filter(code=code)
        match act:
            case "price":
                rows.update(price=7)
            case "note":
                rows.update(note="by hand")
            case "delete":
                rows.delete()


def check(owner: User, old: dict[str, tuple[str, int]], new: dict[str, tuple[str, int]], edits: dict[str, str]) -> None:
    Tenant.objects.get_or_create(code=owner.get_username())
    Item.objects.all().delete()
    write(owner, old)
    before = read()
    job = write(owner, new)
    left = read()
    edit(edits)
    expected = read()
    changed = [code for code in left if left[code] != before.get(code)]
    reversed_ = 0
    for code in changed:
        if code not in before and expected.get(code) == left[code]:
            del expected[code]
        elif code in before and code in expected and expected[code][:2] == left[code][:2]:
            expected[code] = (*before[code][:2], expected[code][2])
        else:
            continue
        reversed_ += 1
    if not changed:
        assert not job.artifacts.filter(role="before").exists()
        return
    ended = undo(job)
    assert ended.state == State.SUCCEEDED, ended.error_message
    assert read() == expected
    assert (shown(ended)["rowsReversed"], shown(ended)["rowsTotal"]) == (reversed_, len(changed))


ARGUMENTS = {"old": TABLES, "new": TABLES, "edits": EDITS}
QUIET = [HealthCheck.function_scoped_fixture]


@settings(max_examples=4, deadline=None, suppress_health_check=QUIET)
@given(**ARGUMENTS)
def test_what_is_as_the_upload_left_it_is_taken_back(owner: User, **tables: Any) -> None:
    check(owner, **tables)


@pytest.mark.fuzz
@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(**ARGUMENTS)
def test_the_same_with_many_tables(owner: User, **tables: Any) -> None:
    check(owner, **tables)
