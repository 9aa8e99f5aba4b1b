"""The file of the rejected records: in the form of the upload, so that it can be mended and uploaded again."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.db import connection
from psycopg import sql

from jobs.models import Artifact
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.apps.warehouse.upload_types import Items
from tests.support.uploads import file_of, upload
from uploads.ingest.error_report import Problems
from uploads.ingest.messages import Problem
from uploads.ingest.session import Session

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Code;Name;Price\r\nA-1;Bolzen;1\r\nA-2;Säge;x\r\nA-3;Schraube\r\n"


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp932"])
def test_the_errors_have_the_encoding_and_the_line_ends_of_the_upload(encoding: str, owner: User) -> None:
    text = TEXT if encoding != "cp932" else TEXT.replace("Säge", "鋸")
    declared = None if encoding.startswith("utf") else encoding
    job = upload(owner, "items", text.encode(encoding), mode="partial", csv={"encoding": declared, "delimiter": None})
    assert (job.state, (job.result or {})["upload"]["rowsFailed"]) == (State.SUCCEEDED, 2), job.error_message
    rejected = file_of(job, Artifact.Role.ERRORS).decode(encoding)
    heading, first, second, end = rejected.split("\r\n")
    assert (heading, end) == ("Code;Name;Price;_line;_errors", "")
    assert first.startswith(text.split("\r\n")[2] + ";3;")
    assert second.startswith("A-3;Schraube;;4;")
    mended = rejected.replace(";x;", ";2;").replace("Schraube;;", "Schraube;3;").encode(encoding)
    again = upload(owner, "items", mended, csv={"encoding": declared, "delimiter": None})
    assert (again.state, Item.objects.count()) == (State.SUCCEEDED, 3), again.error_message


def test_damaged_bytes_come_back_as_they_were(owner: User) -> None:
    text = TEXT.replace("Säge", "S\udc00ge").encode("utf-16-le", "surrogatepass")
    job = upload(owner, "items", b"\xff\xfe" + text, mode="partial")
    groups = (job.result or {})["upload"]["errorGroups"]
    assert {group["code"] for group in groups} == {"invalid-bytes", "missing-cells"}
    assert "S\udc00ge".encode("utf-16-le", "surrogatepass") in file_of(job, Artifact.Role.ERRORS)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_a_character_that_the_end_of_the_file_cuts_off_does_not_shift_what_follows(encoding: str, owner: User) -> None:
    data = "Code,Name,Price\nA-1,Bolt,1\nA-2,Nut,2あ".encode(encoding)[:-1]
    job = upload(owner, "items", data, mode="partial", csv={"encoding": encoding, "delimiter": ","})
    assert (job.state, (job.result or {})["upload"]["rowsFailed"]) == (State.SUCCEEDED, 1), job.error_message
    errors = file_of(job, Artifact.Role.ERRORS)
    [cells] = list(csv.reader(errors.decode(encoding, "replace").splitlines()))[1:]
    assert (cells[:2], cells[3]) == (["A-2", "Nut"], "3")
    assert cells[4].isprintable()
    assert "�" not in cells[4]
    again = upload(owner, "items", errors, mode="partial", csv={"encoding": encoding, "delimiter": ","})
    assert [group["code"] for group in (again.result or {})["upload"]["errorGroups"]] == ["invalid-bytes"]


@pytest.mark.parametrize("row", [b'A-2|"Nut\x83"|1\n', b"A-2|Nut|1\x83"])
def test_the_first_byte_of_a_character_does_not_take_the_delimiter_for_its_second(row: bytes, owner: User) -> None:
    data = b"Code|Name|Price\n" + row
    job = upload(owner, "items", data, mode="partial", csv={"encoding": "cp932", "delimiter": "|"})
    errors = file_of(job, Artifact.Role.ERRORS)
    again = upload(owner, "items", errors, mode="partial", csv={"encoding": "cp932", "delimiter": "|"})
    groups = (again.result or {})["upload"]["errorGroups"]
    assert [(group["code"], group["count"]) for group in groups] == [("invalid-bytes", 1)]


@pytest.mark.parametrize("refused", [b"-,", b'-"'])  # ⑫ and ② in JIS: the codec lacks them, and Windows writes them
def test_the_bytes_of_a_damaged_character_are_no_delimiter_and_no_quotation_mark(refused: bytes, owner: User) -> None:
    row = b"A-2,\x1b$BF|" + refused + b"\x1b(B,1.50"
    data = b"Code,Name,Price\n" + row + b"\nA-3,Nut,x\n"
    job = upload(owner, "items", data, mode="partial", csv={"encoding": "iso2022_jp", "delimiter": ","})
    preview = (job.result or {})["upload"]["errorsPreview"]
    assert [(error["code"], error["byte"]) for error in preview] == [
        ("invalid-bytes", data.index(b"A-2")),
        ("type-error", data.index(b"A-3")),
    ]
    errors = file_of(job, Artifact.Role.ERRORS)
    assert errors.split(b"\n")[1].startswith(row + b",2,")
    rows = list(csv.reader(io.StringIO(errors.decode("iso2022_jp", "replace")), strict=True))
    assert [row[:4] for row in rows[1:]] == [["A-2", "日\ufffd", "1.50", "2"], ["A-3", "Nut", "x", "3"]]
    mended = errors.replace(refused, "本".encode("iso2022_jp")[3:5]).replace(b",x,", b",2,")
    again = upload(owner, "items", mended, csv={"encoding": "iso2022_jp", "delimiter": ","})
    assert (again.state, Item.objects.get(code="A-2").name) == (State.SUCCEEDED, "日本"), again.error_message


def test_mixed_line_ends_are_a_warning(owner: User) -> None:
    job = upload(owner, "items", "Code,Name,Price\r\nA-1,Bolt,1\nA-2,Nut,2\r\n")
    assert (job.state, [one["code"] for one in (job.result or {})["upload"]["warnings"]]) == (
        State.SUCCEEDED,
        ["mixed-line-ends"],
    )


def test_errors_beyond_the_limit_are_only_counted(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Items, "max_errors", 2)
    rows = "".join(f"A-{number},Bolt,x\n" for number in range(5)) + "A-6\nA-7\n"
    job = upload(owner, "items", "Code,Name,Price\n" + rows, mode="partial")
    shown = (job.result or {})["upload"]
    assert (job.state, shown["rowsFailed"]) == (State.SUCCEEDED, 7), job.error_message
    assert [(group["code"], group["count"]) for group in shown["errorGroups"]] == [
        ("type-error", 5),
        ("missing-cells", 2),
    ]
    assert [warning["code"] for warning in shown["warnings"]] == ["errors-cut-off"]
    assert file_of(job, Artifact.Role.ERRORS).count(b"\n") == 3


def test_only_the_beginning_of_a_long_value_leaves_the_database() -> None:
    connection.ensure_connection()
    session = Session(connection, check=lambda: None)
    session.run(
        sql.SQL(
            "CREATE TEMP TABLE problems AS SELECT 1::bigint AS record, 'name' AS key, 'too-long' AS code,"
            " repeat('x', 1000000) AS value, NULL::text AS message, NULL::bigint AS other"
        )
    )
    problems = Problems(session, at_most=1)
    assert list(problems.records()) == [1]
    assert problems.of(1) == [Problem("name", "too-long", "x" * 200, None, None, length=1_000_000)]
    session.run(sql.SQL("DROP TABLE problems"))
