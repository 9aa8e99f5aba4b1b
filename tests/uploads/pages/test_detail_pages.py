"""The page of one upload in each of its states, and what its buttons do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.models import Artifact, Job, Queue
from jobs.states import State
from tests.support.apps.warehouse.models import Item
from tests.support.page_text import words
from tests.support.undos import run_undo
from tests.support.uploads import make_upload, run, upload

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = "01900000-0000-7000-8000-000000000000"
GOOD = "Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,0.20\n"
BAD = "Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n,Washer,0.10\n"


def text_of(client: Client, job: Job) -> str:
    return words(client.get(f"/uploads/{job.pk}"))


def test_who_is_not_signed_in_is_led_to_the_sign_in(client: Client) -> None:
    for path in ("", "/new", f"/{UNKNOWN}", f"/{UNKNOWN}/live", f"/{UNKNOWN}/undo", f"/{UNKNOWN}/mend"):
        answer = client.get(f"/uploads{path}")
        assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next=/uploads{path}")


def test_a_foreign_an_unknown_and_a_malformed_id_look_the_same(signed_in: Client, owner: User) -> None:
    foreign = upload(owner, "items", BAD, dryRun=True)
    signed_in.force_login(User.objects.create_user("bob"))
    for path in ("/uploads/{}", "/uploads/{}/live", "/uploads/{}/undo", "/uploads/{}/mend", "/uploads/new?like={}"):
        answers = [signed_in.get(path.format(job_id)) for job_id in (foreign.pk, UNKNOWN, "no-id")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert {words(answer) for answer in answers} == {words(answers[0])}
    for path in ("confirm", "again", "undo", "mend", "cancel", "delete"):
        assert signed_in.post(f"/uploads/{foreign.pk}/{path}").status_code == 404
    assert Job.objects.count() == 1


def test_the_list_names_each_upload(signed_in: Client, owner: User) -> None:
    upload(owner, "items", GOOD)
    make_upload(owner, "items", GOOD.encode())
    answer = signed_in.get("/uploads")
    assert answer.status_code == 200
    assert words(answer).count("File rows.csv") == 2


def test_rejected_rows_of_a_real_upload_are_shown_in_the_list_and_need_their_user(
    signed_in: Client, owner: User
) -> None:
    upload(owner, "items", BAD, mode="partial")
    for address in ("/uploads", "/"):
        assert "2 rows were rejected" in words(signed_in.get(address))
    assert len(signed_in.get("/").context["home"].failed.rows) == 1


def test_a_type_is_asked_once_whether_it_may_be_uploaded_however_long_the_list(signed_in: Client, owner: User) -> None:
    asked = []
    for uploads in (1, 5):
        for _ in range(uploads):
            make_upload(owner, "items", GOOD.encode())
        with CaptureQueriesContext(connection) as queries:
            signed_in.get("/uploads")
        asked.append(len([query for query in queries if "warehouse_tenant" in (query["sql"] or "")]))
    assert asked[0] == asked[1] > 0


def test_a_queued_one_tells_its_place_and_its_steps(signed_in: Client, owner: User) -> None:
    job = make_upload(owner, "items", GOOD.encode())
    text = text_of(signed_in, job)
    assert "Items rows.csv · 43 bytes Notify me Queued" in text
    assert "Received (done) Recognized Checked Planned Written" in text
    assert "Without JavaScript, this page does not refresh automatically. Reload" in text
    assert "Cancel the upload" in text


def test_a_running_one_tells_its_phase_rows_and_bytes(signed_in: Client, owner: User) -> None:
    job = make_upload(owner, "items", GOOD.encode(), dryRun=True)
    Job.objects.filter(pk=job.pk).update(
        state=State.RUNNING,
        attempt_count=1,
        started_at=timezone.now(),
        progress_details={"phase": "staged", "rowsTotal": 1234, "bytesRead": 22},
    )
    page = signed_in.get(f"/uploads/{job.pk}/live")
    text = words(page)
    assert "Received (done) Recognized (done) Checked Planned" in text
    assert '<li aria-current="step">Checked</li>' in page.content.decode()
    assert "About 1,234 rows; 22 bytes of 43 bytes read." in text
    assert "Written" not in text


def test_the_title_of_the_tab_tells_the_state_also_when_it_has_ended(signed_in: Client, owner: User) -> None:
    job = make_upload(owner, "items", GOOD.encode())
    assert 'data-tab="Items: Queued"' in signed_in.get(f"/uploads/{job.pk}/live").content.decode()
    run(job)
    assert 'data-tab="Items: Complete"' in signed_in.get(f"/uploads/{job.pk}/live").content.decode()


def test_a_good_check_says_what_it_would_write_and_is_confirmed_with_one_click(signed_in: Client, owner: User) -> None:
    upload(owner, "items", "Code,Name,Price\nA-1,Screw,1.50\n")
    check = upload(owner, "items", GOOD, dryRun=True)
    text = text_of(signed_in, check)
    assert "2 rows are ready to be written This was only a check: nothing has been written yet. Write 2 rows" in text
    assert "New 1 Changed 1 Unchanged 0 Rejected 0" in text
    assert "1 Changed Name Screw → Bolt" in text
    assert "2 New Code A-2 Name Nut Price 0.20" in text
    answers = [signed_in.post(f"/uploads/{check.pk}/confirm") for _ in range(2)]
    job = Job.objects.latest("pk")
    assert [answer["Location"] for answer in answers] == [f"/uploads/{job.pk}"] * 2
    assert Job.objects.count() == 3
    run(job)
    assert Item.objects.get(code="A-1").name == "Bolt"
    assert "The file is in 2 rows were written. New 1 Changed 1 Unchanged 0 Rejected 0" in text_of(signed_in, job)
    text = text_of(signed_in, check)
    assert "Another upload has taken over the file: see what became of it" in text
    assert "Write 2 rows" not in text


def test_a_confirmed_plan_that_has_changed_is_refused_and_can_be_checked_again(signed_in: Client, owner: User) -> None:
    check = upload(owner, "items", GOOD, dryRun=True)
    upload(owner, "items", "Code,Name,Price\nA-1,Screw,1.50\n")
    signed_in.post(f"/uploads/{check.pk}/confirm")
    refused = run(Job.objects.latest("pk"))
    text = text_of(signed_in, refused)
    assert "Repeat the dry run, check its plan, and confirm that one. Check again Upload again" in text
    signed_in.post(f"/uploads/{refused.pk}/again", {"dryRun": "true"})
    again = run(Job.objects.latest("pk"))
    assert again.payload["dryRun"] is True
    assert "New 1 Changed 1 Unchanged 0 Rejected 0" in text_of(signed_in, again)


def test_a_check_with_errors_groups_them_and_writes_the_good_rows(signed_in: Client, owner: User) -> None:
    check = upload(owner, "items", BAD, dryRun=True)
    text = text_of(signed_in, check)
    assert "2 rows have errors This was only a check: nothing has been written yet. Write the 1 good row" in text
    assert "Mend the 2 rejected rows" in text
    assert "New 1 Changed 0 Unchanged 0 Rejected 2" in text
    assert (
        "Price: Not of the column&#x27;s type 1 Write numbers with digits only, such as 1234.50, and dates as "
        "YYYY-MM-DD. Line 3 cheap “cheap” is not a number."
    ) in text
    signed_in.post(f"/uploads/{check.pk}/confirm")
    job = run(Job.objects.latest("pk"))
    assert (job.state, job.payload["mode"]) == (State.SUCCEEDED, "partial")
    text = text_of(signed_in, job)
    assert "2 rows were rejected The other row is in. Mend the 2 rejected rows" in text
    assert "Rejected rows (CSV)" in text
    assert "What became of each row (CSV)" in text


def test_all_rows_or_none(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", BAD)
    text = text_of(signed_in, job)
    assert "Nothing was written 2 of 3 rows have errors, so no row was written." in text
    assert "Mend the 2 rejected rows Write the 1 good row" in text
    signed_in.post(f"/uploads/{job.pk}/again", {"mode": "partial"})
    again = run(Job.objects.latest("pk"))
    assert (again.state, again.payload["dryRun"], Item.objects.get().code) == (State.SUCCEEDED, False, "A-1")


def test_a_file_that_is_refused_as_a_whole_can_be_read_in_another_way(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", "Code;Name;Price\nA-1;Bolt;1.50\n", csv={"encoding": None, "delimiter": ","})
    page = signed_in.get(f"/uploads/{job.pk}")
    assert "No known headings" in words(page)
    assert "Download the template, and use its headings." in words(page)
    assert '<details class="quiet" open>' in page.content.decode()
    signed_in.post(f"/uploads/{job.pk}/again", {"encoding": "", "delimiter": ";", "mode": "atomic", "dryRun": "true"})
    again = run(Job.objects.latest("pk"))
    assert again.payload["csv"] == {"encoding": None, "delimiter": ";"}
    assert "1 row is ready to be written" in text_of(signed_in, again)
    wrong = signed_in.post(f"/uploads/{again.pk}/again", {"delimiter": "x"})
    assert wrong.status_code == 422
    assert "Nothing was uploaded The form has a value that is not a choice." in words(wrong)


def test_too_many_updates_are_explained(signed_in: Client, owner: User) -> None:
    upload(owner, "items", GOOD)
    check = upload(owner, "item-prices", "Code,Price\nA-1,9\nA-2,9\n", dryRun=True)
    text = text_of(signed_in, check)
    assert "Check that you chose the right file. If you did, ask an administrator. Check again" in text
    assert "New 0 Changed 2 Unchanged 0 Rejected 0" in text


def test_rows_that_the_table_has_already(signed_in: Client, owner: User) -> None:
    upload(owner, "items", GOOD)
    check = upload(owner, "items", GOOD, dryRun=True)
    text = text_of(signed_in, check)
    assert "Nothing would change The table already has all 2 rows of the file." in text
    assert "/confirm" not in signed_in.get(f"/uploads/{check.pk}").content.decode()
    assert "Nothing had to be changed" in text_of(signed_in, upload(owner, "items", GOOD))


def test_an_upload_is_undone_after_a_question(signed_in: Client, owner: User) -> None:
    job = upload(owner, "items", GOOD)
    Item.objects.filter(code="A-2").update(name="Mother")
    question = words(signed_in.get(f"/uploads/{job.pk}/undo"))
    assert "Undo the upload? 2 new rows are deleted. Rows that somebody has changed since stay as they are" in question
    answers = [signed_in.post(f"/uploads/{job.pk}/undo") for _ in range(2)]
    undo = Job.objects.latest("pk")
    assert [answer["Location"] for answer in answers] == [f"/uploads/{undo.pk}"] * 2
    run_undo(undo)
    assert list(Item.objects.values_list("code", flat=True)) == ["A-2"]
    text = text_of(signed_in, undo)
    assert "The upload was undone in part 1 row was kept as it is. Restored 0 Deleted 1 Kept 1" in text
    assert "Rows that were kept Reason Rows Somebody has changed the row since the upload. 1" in text
    assert "Undoes this upload" in text
    assert "Undone by this undo" in text_of(signed_in, job)
    refused = signed_in.get(f"/uploads/{job.pk}/undo")
    assert refused.status_code == 409
    assert "The upload cannot be undone It is being undone, or was undone. See the undo" in words(refused)


def test_what_was_not_written_cannot_be_undone(signed_in: Client, owner: User) -> None:
    check = upload(owner, "items", GOOD, dryRun=True)
    assert signed_in.get(f"/uploads/{check.pk}/undo").status_code == 409
    answer = signed_in.post(f"/uploads/{check.pk}/undo")
    assert answer.status_code == 409
    assert "The upload was not undone The upload has written no row." in words(answer)


def test_what_may_no_longer_be_uploaded_or_waits_too_long_is_refused(
    signed_in: Client, owner: User, tenant: Any
) -> None:
    check = upload(owner, "items", GOOD, dryRun=True)
    Queue.objects.filter(name="uploads").update(max_queued=0)
    full = signed_in.post(f"/uploads/{check.pk}/confirm")
    assert full.status_code == 503
    assert "Nothing was uploaded Too many jobs are waiting at the moment. Try again later." in words(full)
    Queue.objects.filter(name="uploads").update(max_queued=None)
    type(tenant).objects.update(code="another")
    forbidden = signed_in.post(f"/uploads/{check.pk}/confirm")
    assert forbidden.status_code == 403
    assert "You may no longer upload files of this type. Ask your administrator." in words(forbidden)
    assert Job.objects.count() == 1


def test_a_file_that_is_gone_is_asked_for_again(signed_in: Client, owner: User) -> None:
    check = upload(owner, "items", GOOD, dryRun=True)
    Artifact.objects.filter(job=check, role="source").update(deleted_at=timezone.now())
    answer = signed_in.post(f"/uploads/{check.pk}/confirm")
    assert answer.status_code == 409
    assert "Nothing was uploaded The uploaded file has expired and must be uploaded again." in words(answer)


def test_the_same_file_twice_is_mentioned_with_a_link(signed_in: Client, owner: User, send: Callable[..., Any]) -> None:
    first = upload(owner, "items", GOOD)
    send(GOOD.encode(), dryRun="false")
    page = signed_in.get(f"/uploads/{run(Job.objects.latest('pk')).pk}").content.decode()
    assert "You have uploaded the same file within the last day." in page
    assert f'id="repeats" href="/uploads/{first.pk}"' in page


def test_values_of_sensitive_columns_are_hidden(signed_in: Client, owner: User) -> None:
    rows = "Artikel;Name;Preis;Aktiv;Notiz\nA-1;Bolt;1,50;ja;secret-one\nA-2;Nut;x;ja;" + "secret-two" * 200 + "\n"
    check = upload(owner, "new-items", rows, dryRun=True)
    page = signed_in.get(f"/uploads/{check.pk}").content.decode()
    assert "***" in page
    assert "secret" not in page


def test_a_canceled_one_and_a_deleted_one(signed_in: Client, owner: User) -> None:
    job = make_upload(owner, "items", GOOD.encode(), dryRun=True)
    signed_in.post(f"/uploads/{job.pk}/cancel")
    assert "The check was canceled Nothing was written." in text_of(signed_in, job)
    assert signed_in.post(f"/uploads/{job.pk}/delete")["Location"] == "/uploads"
    assert signed_in.get(f"/uploads/{job.pk}").status_code == 404


@pytest.mark.parametrize(
    ("data", "options", "queries"),
    [
        (GOOD, {"dryRun": True}, 7),
        (GOOD, {}, 8),
        (BAD, {"dryRun": True}, 8),
        (BAD * 1 + "".join(f"B-{n},x,y\n" for n in range(200)), {"mode": "partial"}, 9),
    ],
)
def test_the_number_of_queries_does_not_grow(
    signed_in: Client,
    owner: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    data: str,
    options: dict[str, Any],
    queries: int,
) -> None:
    job = upload(owner, "items", data, **options)
    with django_assert_num_queries(queries):
        signed_in.get(f"/uploads/{job.pk}")
