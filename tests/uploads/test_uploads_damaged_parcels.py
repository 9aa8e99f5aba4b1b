"""The mistakes that no order line can have, in files for types of each mode, found and mended like those.

`UPLOAD_LINES` is the number of rows of all files together.
"""

import csv
import io
import os
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.csv_records import written
from tests.support.damaged_parcels import HEADINGS, DamagedParcels, prepare, table
from tests.support.uploads import file_of, upload

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0), pytest.mark.django_db(transaction=True)]

LINES = int(os.environ.get("UPLOAD_LINES", "20000"))
FIRST = 5


def shown(job: Job) -> dict[str, Any]:
    assert job.result is not None, job.error_message
    return dict(job.result["upload"])


@pytest.mark.parametrize(("upload_type", "percent"), [("parcels", 60), ("new-parcels", 20), ("changed-parcels", 20)])
def test_all_mistakes_are_counted_found_and_mended(owner: User, upload_type: str, percent: int) -> None:
    rows = LINES * percent // 100
    file = DamagedParcels(upload_type, rows)
    tenant = owner.get_username()
    prepare(tenant, rows)
    job = upload(owner, upload_type, file.clean)
    assert job.state == State.SUCCEEDED, shown(job)
    expected = table()

    prepare(tenant, rows)
    job = upload(owner, upload_type, file.data, mode="partial")
    assert job.state == State.SUCCEEDED, job.error_message
    groups = {(one["code"], one["column"]): (one["count"], one["firstLines"]) for one in shown(job)["errorGroups"]}
    assert groups == {key: (len(lines), lines[:FIRST]) for key, lines in file.expected.items()}
    assert (shown(job)["rowsTotal"], shown(job)["rowsFailed"]) == (rows, len(file.originals))
    assert table() != expected

    errors = csv.reader(io.StringIO(file_of(job, Artifact.Role.ERRORS).decode(), newline=""), strict=True)
    headings = next(errors)
    assert headings == [*HEADINGS, "_line", "_errors"]
    rejected = {int(line): cells for *cells, line, _ in errors}
    assert rejected == file.damaged
    assert [*rejected] == sorted(file.damaged)
    mended = [written([*file.originals[line], str(line), "mended"]) for line in rejected]

    again = upload(owner, upload_type, b"".join([written(headings), *mended]), corrects=str(job.pk))
    assert (again.state, shown(again)["rowsFailed"]) == (State.SUCCEEDED, 0), shown(again)
    assert table() == expected
