"""The mended cells of an order are encrypted, as those of secret columns are among them, until they are in the file."""

import json

from django.contrib.auth.models import User

from jobs.kinds import inspector_of
from jobs.models import Job
from jobs.payloads.masked import masked_payload
from jobs.payloads.masking import unmask
from tests.support.apps.warehouse.models import Tenant
from tests.support.uploads import PAYLOAD
from uploads.mending import CELLS, MendedRows, is_unwritten, mended_name

ROWS = MendedRows("cp932", ";", {3: {2: "hush \udcff"}, 4: None, 5: {}})


def order_of(rows: MendedRows) -> Job:
    file = {"filename": "rows.csv", "sizeBytes": 1, "sha256": "0"}
    return Job(kind="upload", payload={**PAYLOAD, "uploadType": "items", "file": file, "mended": rows.to_payload()})


def test_the_cells_are_read_back_and_cannot_be_read_in_the_payload() -> None:
    payload = order_of(ROWS).payload
    assert MendedRows.pending_in(payload) == ROWS
    assert "hush" not in json.dumps(payload)


def test_rows_that_are_in_the_file_are_not_pending() -> None:
    payload = order_of(ROWS).payload
    assert MendedRows.pending_in({**payload, "mended": {**payload["mended"], CELLS: None}}) is None
    assert MendedRows.pending_in({**payload, "mended": None}) is None
    assert MendedRows.pending_in(PAYLOAD) is None


def test_staff_who_edit_the_order_keep_the_cells_without_seeing_them(db: None, owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    job = order_of(ROWS)
    seen = masked_payload(job)
    assert seen["mended"] == {"encoding": "cp932", "delimiter": ";", "secretCells": "***"}
    edited = inspector_of("upload").validate(unmask({**seen, "mode": "partial"}, job.payload), owner)
    assert (MendedRows.pending_in(edited), edited["mode"]) == (ROWS, "partial")
    assert "hush" not in json.dumps(edited)


def test_the_name_of_a_mended_file_and_whether_anything_was_written() -> None:
    job = order_of(ROWS)
    assert mended_name(job) == "rows-mended.csv"
    job.payload["file"]["filename"] = "rows-mended.csv"
    assert mended_name(job) == "rows-mended.csv"
    job.result = {"upload": {"phase": "planned"}}
    assert is_unwritten(job)
    job.result = {"upload": {"phase": "merged"}}
    assert not is_unwritten(job)
