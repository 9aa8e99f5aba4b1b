"""Rejected rows are mended on a page, and become a file in the encoding and with the delimiter of the first one."""

import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import DjangoAssertNumQueries

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item
from tests.support.page_text import words
from tests.support.uploads import file_of, run, upload

pytestmark = pytest.mark.django_db(transaction=True)

INPUT: Final = re.compile(r'<(?:input|textarea) id="(cell-\d+-\d+)"')
BAD = "Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n"


def mended(client: Client, job: Job, **fields: Any) -> Any:
    """Send the form with these cells."""
    return client.post(f"/uploads/{job.pk}/mend", {"page": "0", "edits": "", **fields})


def source_of_latest() -> bytes:
    return file_of(Job.objects.latest("pk"), Artifact.Role.SOURCE)


def test_the_wrong_cells_are_marked_and_all_can_be_edited(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", BAD, mode="partial")
    page = signed_in.get(f"/uploads/{job.pk}/mend").content.decode()
    assert INPUT.findall(page) == ["cell-0-0", "cell-0-1", "cell-0-2"]
    assert (
        '<input id="cell-0-2" name="cell-0-2" value="cheap" aria-label="Price, line 3" aria-invalid="true" '
        'aria-describedby="cell-0-2-error">'
    ) in page
    assert '<p class="error" id="cell-0-2-error">“cheap” is not a number.</p>' in page
    assert "Only the rows below are uploaded from here." not in page


def test_mended_rows_are_uploaded_as_a_correction(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", BAD, mode="partial")
    answer = mended(signed_in, job, **{"cell-0-2": "0.20", "dryRun": "false"})
    new = Job.objects.latest("pk")
    assert answer["Location"] == f"/uploads/{new.pk}"
    assert source_of_latest() == b"Code,Name,Price\nA-2,Nut,0.20\n"
    assert new.payload["file"]["filename"] == "rows-mended.csv"
    assert (new.payload["corrects"], new.payload["mode"], new.payload["dryRun"]) == (str(job.pk), "partial", False)
    run(new)
    assert list(Item.objects.order_by("code").values_list("code", flat=True)) == ["A-1", "A-2"]
    text = words(signed_in.get(f"/uploads/{job.pk}"))
    assert "1 of 1 rejected rows are now in. Of all rows of the first file, 2 of 2 are in." in text
    assert "Corrected by an upload Complete" in text


def test_mended_rows_are_checked_first_and_then_confirmed(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", BAD, mode="partial")
    mended(signed_in, job, **{"cell-0-2": "still", "dryRun": "true"})
    check = run(Job.objects.latest("pk"))
    assert check.payload["dryRun"] is True
    mended(signed_in, check, **{"cell-0-2": "0.20", "dryRun": "true"})
    check = run(Job.objects.latest("pk"))
    assert check.payload["file"]["filename"] == "rows-mended.csv"
    assert source_of_latest() == b"Code,Name,Price\nA-2,Nut,0.20\n"
    signed_in.post(f"/uploads/{check.pk}/confirm")
    assert run(Job.objects.latest("pk")).state == State.SUCCEEDED
    assert Item.objects.get(code="A-2").name == "Nut"


def test_the_whole_file_is_uploaded_if_nothing_of_it_was_written(signed_in: Client, owner: User) -> None:
    data = 'Title\nCode;Name;Price\nA-1;"Bolt";1,50\n\nA-2;Nut;cheap\nA-3;"Pin\r";1\nA-4;Rod;dear\nA-5;Cog;2'
    job = upload(owner, "items", data)
    page = signed_in.get(f"/uploads/{job.pk}/mend")
    assert "Nothing of the file has been written yet. The whole file is uploaded again" in words(page)
    mended(signed_in, job, **{"cell-0-2": "0,20", "drop-1": "on", "dryRun": "false", "whole": "true"})
    new = Job.objects.latest("pk")
    assert (new.payload["corrects"], new.payload["continues"]) == (str(job.pk), str(job.pk))
    assert (new.payload["mode"], new.payload["dryRun"]) == ("atomic", False)
    assert "0,20" not in json.dumps(new.payload)
    new = run(new)
    expected = data.replace("cheap", "0,20").replace("A-4;Rod;dear\n", "").encode()
    assert file_of(new, Artifact.Role.SOURCE) == expected
    file = {"filename": "rows-mended.csv", "sizeBytes": len(expected), "sha256": hashlib.sha256(expected).hexdigest()}
    assert (new.payload["file"], new.payload["mended"]["secretCells"]) == (file, None)
    assert list(Item.objects.order_by("code").values_list("code", flat=True)) == ["A-1", "A-2", "A-3", "A-5"]
    text = words(signed_in.get(f"/uploads/{job.pk}"))
    assert "1 of 2 rejected rows are now in. Of all rows of the first file, 4 of 5 are in." in text


def test_a_whole_file_is_mended_again_until_all_rows_are_in(signed_in: Client, owner: User) -> None:
    first = upload(owner, "items", "Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\nA-3,Pin,dear\n")
    mended(signed_in, first, **{"cell-0-2": "0.20", "cell-1-2": "still", "dryRun": "false"})
    second = run(Job.objects.latest("pk"))
    assert (second.state, (second.result or {})["error"]["code"]) == (State.DEAD, "rows-rejected")
    mended(signed_in, second, **{"cell-0-2": "0.30", "dryRun": "true"})
    check = run(Job.objects.latest("pk"))
    assert Item.objects.count() == 0
    signed_in.post(f"/uploads/{check.pk}/confirm")
    last = run(Job.objects.latest("pk"))
    assert file_of(last, Artifact.Role.SOURCE) == b"Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,0.20\nA-3,Pin,0.30\n"
    assert Item.objects.count() == 3
    assert "2 of 2 rejected rows are now in. Of all rows of the first file, 3 of 3 are in." in words(
        signed_in.get(f"/uploads/{first.pk}")
    )


def test_a_mended_errors_file_that_was_only_checked_keeps_its_added_columns(signed_in: Client, owner: User) -> None:
    data = "Code,_line,Name,Price,_errors\nA-1,2,Bolt,x,why\nA-2,3,Nut,1,why,more\n"
    check = upload(owner, "items", data, dryRun=True)
    mended(signed_in, check, **{"cell-0-1": "Screw", "cell-0-2": "1.50", "cell-1-3": "", "dryRun": "false"})
    new = run(Job.objects.latest("pk"))
    expected = b"Code,_line,Name,Price,_errors\nA-1,2,Screw,1.50,why\nA-2,3,Nut,1,why\n"
    assert (file_of(new, Artifact.Role.SOURCE), new.state) == (expected, State.SUCCEEDED)


def test_without_the_file_only_the_mended_rows_are_uploaded_and_the_page_says_so(
    signed_in: Client, owner: User
) -> None:
    job = upload(owner, "items", BAD)
    Artifact.objects.filter(job=job, role=Artifact.Role.SOURCE).update(deleted_at=Now())
    said = "Its other 1 good row has not been written: to write it, upload the whole file again."
    assert said in words(signed_in.get(f"/uploads/{job.pk}/mend"))
    answer = mended(signed_in, job, **{"cell-0-2": "0.20", "dryRun": "false", "whole": "true"})
    assert answer.status_code == 409
    assert said in words(answer)
    assert 'value="0.20"' in answer.content.decode()
    mended(signed_in, job, **{"cell-0-2": "0.20", "dryRun": "false"})
    assert source_of_latest() == b"Code,Name,Price\nA-2,Nut,0.20\n"


def test_a_file_that_another_upload_has_taken_over_is_mended_there(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", BAD, dryRun=True)
    signed_in.post(f"/uploads/{job.pk}/confirm")
    successor = run(Job.objects.latest("pk"))
    assert 'id="mend"' not in signed_in.get(f"/uploads/{job.pk}").content.decode()
    assert 'id="mend"' in signed_in.get(f"/uploads/{successor.pk}").content.decode()
    page = signed_in.get(f"/uploads/{job.pk}/mend")
    assert "Only the rows below are uploaded from here. Another upload has taken over the file" in words(page)
    assert f'id="continued" href="/uploads/{successor.pk}"' in page.content.decode()


def test_a_file_in_cp932_is_mended_and_read_back_byte_by_byte(signed_in: Client, owner: User) -> None:
    rows = '品番;Name;Price;Note\r\nA-1;"ボルト;大";x;\r\nA-2;ソ表;0.20;"二行\r\n目"\r\nA-3;座金;y;""\r\n'
    job = upload(owner, "items", rows.encode("cp932"), mode="partial")
    assert (job.result or {})["upload"]["encoding"] == "cp932"
    mended(signed_in, job, **{"cell-0-2": "1.50", "cell-1-1": "ワッシャー表", "cell-1-2": "2", "dryRun": "false"})
    expected = '品番;Name;Price;Note\r\nA-1;"ボルト;大";1.50;\r\nA-3;ワッシャー表;2;""\r\n'
    assert source_of_latest() == expected.encode("cp932")
    new = run(Job.objects.latest("pk"))
    assert (new.state, (new.result or {})["upload"]["encoding"]) == (State.SUCCEEDED, "cp932")
    assert Item.objects.get(code="A-3").name == "ワッシャー表"
    assert Item.objects.get(code="A-3").note == ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "iso2022_jp"])
def test_other_encodings_are_kept(signed_in: Client, owner: User, encoding: str) -> None:
    rows = "Code,Name,Price\nA-1,ボルト,x\n"
    csv = {"encoding": encoding, "delimiter": None}
    job = upload(owner, "items", rows.encode(encoding), mode="partial", csv=csv)
    mended(signed_in, job, **{"cell-0-2": "1.50", "dryRun": "false"})
    new = run(Job.objects.latest("pk"))
    assert source_of_latest().decode(encoding) == "Code,Name,Price\nA-1,ボルト,1.50\n"
    assert (new.state, Item.objects.get().name) == (State.SUCCEEDED, "ボルト")


def test_a_character_that_the_encoding_lacks_is_told_at_its_cell(signed_in: Client, owner: User) -> None:
    rows = "Code,Name,Price\nA-1,ボルト,x\n".encode("cp932")
    job = upload(owner, "items", rows, mode="partial", csv={"encoding": "cp932", "delimiter": None})
    answer = mended(signed_in, job, **{"cell-0-1": "Bolt €", "cell-0-2": "1.50", "dryRun": "false"})
    assert answer.status_code == 422
    text = words(answer)
    assert "The rows were not uploaded The encoding of the file, cp932, does not have the character “€”." in text
    assert 'value="Bolt €"' in answer.content.decode()
    assert Job.objects.count() == 1


def test_damaged_bytes_stay_as_they_are_unless_their_cell_is_edited(signed_in: Client, owner: User) -> None:
    rows = b"Code,Name,Price\nA-1,Bolt,1.50\nA-2,N\xffut,0.20\n" + "A-3,ü,1\n".encode()
    job = upload(owner, "items", rows, mode="partial", csv={"encoding": "utf-8", "delimiter": None})
    assert 'value="N\ufffdut"' in signed_in.get(f"/uploads/{job.pk}/mend").content.decode()
    mended(signed_in, job, **{"cell-0-1": "N\ufffdut", "cell-0-2": "0.30", "dryRun": "true"})
    assert source_of_latest() == b"Code,Name,Price\nA-2,N\xffut,0.30\n"
    mended(signed_in, job, **{"cell-0-1": "Nut", "dryRun": "true"})
    assert source_of_latest() == b"Code,Name,Price\nA-2,Nut,0.20\n"


def test_rows_with_too_few_and_too_many_cells(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", "Code,Name,Price\nA-1,Bolt\nA-2,Nut,big,0.20\n", mode="partial")
    page = signed_in.get(f"/uploads/{job.pk}/mend")
    assert INPUT.findall(page.content.decode()) == [
        "cell-0-0", "cell-0-1", "cell-0-2", "cell-1-0", "cell-1-1", "cell-1-2", "cell-1-3",
    ]  # fmt: skip
    assert 'aria-label="Surplus cell, line 3"' in page.content.decode()
    mended(
        signed_in, job,
        **{"cell-0-2": "1.50", "cell-1-1": "Nut, big", "cell-1-2": "0.20", "cell-1-3": "", "dryRun": "false"},
    )  # fmt: skip
    assert source_of_latest() == b'Code,Name,Price\nA-1,Bolt,1.50\nA-2,"Nut, big",0.20\n'


def test_a_row_is_left_out(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", "Code,Name,Price\nA-1,Bolt,1\nA-1,Nut,2\n", mode="partial")
    mended(signed_in, job, **{"drop-0": "on", "dryRun": "false"})
    assert source_of_latest() == b"Code,Name,Price\nA-1,Nut,2\n"


def test_line_breaks_in_a_cell_are_kept(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", 'Code,Name,Price,Note\nA-1,Bolt,x,"two\nlines"\n', mode="partial")
    page = signed_in.get(f"/uploads/{job.pk}/mend").content.decode()
    assert "\ntwo\nlines</textarea>" in page
    mended(signed_in, job, **{"cell-0-2": "1", "cell-0-3": "two\r\nlines", "dryRun": "true"})
    assert source_of_latest() == b'Code,Name,Price,Note\nA-1,Bolt,1,"two\nlines"\n'
    mended(signed_in, job, **{"cell-0-2": "1", "cell-0-3": "three\r\nlines", "dryRun": "true"})
    assert source_of_latest() == b'Code,Name,Price,Note\nA-1,Bolt,1,"three\nlines"\n'


def test_headings_by_another_name_mark_their_cells(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", "品番,name,PRICE\n,Bolt,x\n", mode="partial")
    page = unescape(signed_in.get(f"/uploads/{job.pk}/mend").content.decode())
    assert '<p class="error" id="cell-0-2-error">“x” is not a number.</p>' in page
    assert 'id="cell-0-0-error"' in page


def test_many_rows_are_mended_page_by_page(
    signed_in: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = "".join(f"A-{number},Bolt,x\n" for number in range(120))
    job = upload(owner, "items", f"Code,Name,Price\n{rows}", mode="partial")
    with django_assert_num_queries(6):  # session, user, preferences, job, tenant, file
        first = signed_in.get(f"/uploads/{job.pk}/mend")
    assert "Page 1 of 3 Next rows" in words(first)
    second = mended(signed_in, job, **{"cell-0-2": "1", "drop-1": "on", "turn": "1"})
    assert "Previous rows Page 2 of 3 Next rows" in words(second)
    assert INPUT.findall(second.content.decode())[0] == "cell-50-0"
    assert json.loads(second.context["edits"]) == {"cells": [[0, 2, "1"]], "leftOut": [1]}
    third = mended(signed_in, job, page="1", edits=second.context["edits"], **{"cell-50-2": "2", "turn": "2"})
    last = mended(signed_in, job, page="2", edits=third.context["edits"], dryRun="true")
    assert last.status_code == 302
    lines = source_of_latest().decode().splitlines()
    assert (len(lines), lines[1], lines[2], lines[50]) == (120, "A-0,Bolt,1", "A-2,Bolt,x", "A-50,Bolt,2")


def test_a_damaged_hidden_field_is_refused(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", BAD, mode="partial")
    for text in ("{", "[]", '{"cells": [[1]], "leftOut": []}', '{"cells": 1, "leftOut": []}'):
        assert mended(signed_in, job, edits=text, dryRun="true").status_code == 400
    beyond = '{"cells": [[9, 0, "x"], [0, 99, "x"], [-1, 0, "x"]], "leftOut": [7]}'
    assert mended(signed_in, job, edits=beyond, dryRun="true").status_code == 302
    assert source_of_latest() == b"Code,Name,Price\nA-2,Nut,cheap\n"


def test_secret_cells_are_not_shown_and_stay_as_they_are(signed_in: Client, owner: User) -> None:
    rows = "Artikel;Name;Preis;Aktiv;Notiz\nA-2;Nut;x;ja;secret\n"
    job = upload(owner, "new-items", rows, mode="partial")
    page = signed_in.get(f"/uploads/{job.pk}/mend").content.decode()
    assert "secret" not in page
    assert 'name="cell-0-4" type="password"' in page
    mended(signed_in, job, **{"cell-0-2": "1,50", "cell-0-4": "", "dryRun": "true"})
    assert source_of_latest() == b"Artikel;Name;Preis;Aktiv;Notiz\nA-2;Nut;1,50;ja;secret\n"
    mended(signed_in, job, **{"cell-0-4": "other", "dryRun": "true"})
    assert source_of_latest() == b"Artikel;Name;Preis;Aktiv;Notiz\nA-2;Nut;x;ja;other\n"


def test_more_than_500_rows_can_only_be_downloaded(signed_in: Client, owner: User) -> None:
    rows = "".join(f"A-{number},Bolt,x\n" for number in range(501))
    job = upload(owner, "items", f"Code,Name,Price\n{rows}", mode="partial")
    text = words(signed_in.get(f"/uploads/{job.pk}"))
    assert "Rejected rows (CSV)" in text
    assert "Mend the" not in text
    assert signed_in.get(f"/uploads/{job.pk}/mend").status_code == 404


def test_one_bad_row_is_mended_in_six_clicks_without_javascript(
    plain_page: Page, owner: User, live_url: str, send: Callable[..., Any]
) -> None:
    page = plain_page
    page.goto("/uploads/new?type=items")
    page.set_input_files("#file", {"name": "rows.csv", "mimeType": "text/csv", "buffer": BAD.encode()})  # 1: choose
    page.get_by_role("button", name="Check first").click()  # 2
    run(Job.objects.latest("pk"))
    page.get_by_role("link", name="Reload").click()  # the page refreshes by itself with JavaScript
    expect(page.get_by_role("heading", name="1 row has errors")).to_be_visible()
    page.get_by_role("button", name="Write the 1 good row").click()  # 3
    run(Job.objects.latest("pk"))
    page.get_by_role("link", name="Reload").click()
    page.get_by_role("link", name="Mend the rejected row").click()  # 4
    page.get_by_label("Price, line 3").fill("0.20")  # 5
    page.get_by_role("button", name="Upload the mended rows").click()  # 6
    run(Job.objects.latest("pk"))
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_role("heading", name="The file is in")).to_be_visible()
    expect(page.locator("dl.facts")).to_contain_text("1 of 1 rejected rows are now in.")
    assert list(Item.objects.order_by("code").values_list("code", flat=True)) == ["A-1", "A-2"]


def test_one_bad_row_of_a_thousand_is_mended_and_all_of_them_are_written_exactly_once(
    plain_page: Page, owner: User, live_url: str
) -> None:
    page = plain_page
    rows = [f"A-{number},Bolt {number},{'cheap' if number == 500 else '1.50'}\n" for number in range(1000)]
    data = "Code,Name,Price\n" + "".join(rows)
    page.goto("/uploads/new?type=items")
    page.set_input_files("#file", {"name": "rows.csv", "mimeType": "text/csv", "buffer": data.encode()})
    page.get_by_role("button", name="Upload", exact=True).click()
    run(Job.objects.latest("pk"))
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_role("heading", name="Nothing was written")).to_be_visible()
    page.get_by_role("link", name="Mend the rejected row").click()
    expect(page.locator("p.lead")).to_contain_text("The whole file is uploaded again")
    page.get_by_label("Price, line 502").fill("0.20")
    page.get_by_role("button", name="Upload the mended file").click()
    assert Item.objects.count() == 0
    run(Job.objects.latest("pk"))
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_role("heading", name="The file is in")).to_be_visible()
    expect(page.locator("dl.facts")).to_contain_text("1 of 1 rejected rows are now in.")
    written = dict(Item.objects.values_list("code", "price"))
    assert (Item.objects.count(), len(written)) == (1000, 1000)
    assert [code for code, price in written.items() if price == Decimal("0.20")] == ["A-500"]


def test_a_page_of_50_rows_is_small_over_the_wire(signed_in: Client, owner: User) -> None:
    rows = "".join(f"A-{number},Bolt number {number},x,{number}\n" for number in range(50))
    job = upload(owner, "items", f"Code,Name,Price,Count\n{rows}", mode="partial")
    for path in ("", "/mend"):
        answer = signed_in.get(f"/uploads/{job.pk}{path}", HTTP_ACCEPT_ENCODING="gzip")
        assert (answer["Content-Encoding"], len(answer.content) < 15_000) == ("gzip", True), len(answer.content)
