"""The form of a new upload: what it says, what it stores, and what it refuses."""

import gc
import gzip
import re
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import Resolver404, resolve
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework import serializers

from jobs.models import Artifact, Job, Queue
from tests.support.apps.warehouse.models import Tenant
from tests.support.page_text import words
from tests.support.uploads import file_of, make_upload
from uploads.types import UPLOAD_TYPES, Column, UploadType

pytestmark = pytest.mark.django_db

CSV = b"Code,Name,Price\r\nA-1,Bolt,1.50\r\n"
STATIC = re.compile(r'(?:src|href)="/static/([^"]+)"')
AGAIN = "The form keeps what you entered, but the file must be chosen again: browsers forget it."


def test_the_types_that_a_user_may_upload_are_listed_with_their_columns(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(13):  # session, user, preferences, 2 for permissions; 8 types ask for the tenant
        text = words(signed_in.get("/uploads/new"))
    assert "Adds products to the catalog, and updates those whose SKU is known. sku (required) name (required)" in text
    assert "At most 10,000,000 rows and 5.4 GB." in text
    assert 'href="/api/upload-types/products/template.csv"' in signed_in.get("/uploads/new").content.decode()


def test_who_may_upload_nothing_of_a_type_does_not_see_it(client: Client) -> None:
    client.force_login(User.objects.create_user("bob"))
    assert "Items" not in words(client.get("/uploads/new"))
    assert client.get("/uploads/new?type=items").status_code == 404
    assert client.get("/uploads/new?type=nothing").status_code == 404


def test_the_form_of_a_type_shows_its_columns_and_limits(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):  # session, user, preferences, tenant
        text = words(signed_in.get("/uploads/new?type=items"))
    for expected in (
        "If some rows have errors All rows or none If one row has an error, nothing is written. Write the good rows",
        "CSV file At most 10,000,000 rows and 5.4 GB. Check first Upload",
        "Code required text The number on the shelf. Name required text Price required number",
        "Adds new rows, and changes those that the table already has.",
    ):
        assert expected in text


def test_a_parameter_of_a_long_table_is_searched(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Chosen(UploadType):
        identifier, title, model, mode = "chosen", "Chosen", Tenant, "insert"
        columns: ClassVar[dict[str, Column]] = {"code": Column("Code", required=True)}

        class Parameters(serializers.Serializer[Any]):
            tenant = serializers.SlugRelatedField(slug_field="code", queryset=Tenant.objects.all())

        def may_upload(self, user: Any) -> bool:
            return True

    monkeypatch.setattr(UPLOAD_TYPES, "_types", dict(UPLOAD_TYPES._types))
    UPLOAD_TYPES.register(Chosen)
    Tenant.objects.bulk_create(Tenant(code=f"T{number}") for number in range(201))
    html = signed_in.get("/uploads/new?type=chosen").content.decode()
    assert 'data-search="/uploads/lookup?type=chosen&amp;field=tenant"' in html
    assert "/static/longhaul/order.js" in html
    assert "T200" in words(signed_in.get("/uploads/lookup?type=chosen&field=tenant&q=t200"))


def test_an_upload_cannot_be_saved_to_order_it_again(signed_in: Client) -> None:
    assert resolve("/reports/saved/1/order").url_name == "report-page-saved-order"
    with pytest.raises(Resolver404):
        resolve("/uploads/saved/1/order")
    assert signed_in.get("/uploads/saved").status_code == 404


def test_the_modules_of_the_script_are_all_fetched_at_once(signed_in: Client) -> None:
    named = set(STATIC.findall(signed_in.get("/uploads/new?type=items").content.decode()))
    script = Path(str(finders.find("longhaul/upload.js")))
    modules = {f"longhaul/upload/{path.name}" for path in script.with_suffix("").glob("*.js")}
    assert len(modules) == 6
    assert modules < named


def test_the_first_visit_weighs_at_most_80_kb(signed_in: Client) -> None:
    page = signed_in.get("/uploads/new?type=items").content
    files = [Path(str(finders.find(name))).read_bytes() for name in STATIC.findall(page.decode())]
    assert len(files) == 15
    assert sum(len(gzip.compress(part)) for part in (page, *files)) < 80_000


@pytest.mark.parametrize(("button", "is_check"), [("true", True), ("false", False)])
def test_a_sent_file_becomes_a_job(send: Callable[..., Any], owner: User, button: str, is_check: bool) -> None:
    answer = send(CSV, name="品.csv", encoding="cp932", delimiter=";", mode="partial", dryRun=button)
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/uploads/{job.pk}")
    assert (job.owner, job.type, job.payload["dryRun"], job.payload["mode"]) == (owner, "items", is_check, "partial")
    assert job.payload["csv"] == {"encoding": "cp932", "delimiter": ";"}
    assert job.payload["file"]["filename"] == "品.csv"
    assert file_of(job, Artifact.Role.SOURCE) == CSV


def test_a_form_without_a_file_asks_for_one(signed_in: Client) -> None:
    answer = signed_in.post("/uploads/new?type=items", {"mode": "partial", "dryRun": "true"})
    assert answer.status_code == 422
    assert f"The file was not uploaded Choose a file. {AGAIN}" in words(answer)
    assert 'name="mode" value="partial" checked' in answer.content.decode()
    answer = signed_in.post("/uploads/new?type=items", "mode=partial", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, "Choose a file." in words(answer)) == (415, True)
    assert not Job.objects.exists()


def test_too_large_a_file_is_refused_and_nothing_is_kept(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, stored: Callable[[], set[str]]
) -> None:
    monkeypatch.setattr(type(UPLOAD_TYPES.find("items")), "max_bytes", 1000)
    before = stored()
    answer = send(b"x" * 1001)
    assert answer.status_code == 413
    assert f"The file is larger than 1.0 kB, which is the limit. {AGAIN}" in words(answer)
    assert stored() == before
    assert not Job.objects.exists()


def test_a_full_queue_is_told(send: Callable[..., Any]) -> None:
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=0)
    answer = send(CSV)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "You have as many jobs waiting as you may have. Wait until one of them has ended." in words(answer)
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=None, accepting=False)
    answer = send(CSV)
    assert answer.status_code == 503
    assert "No uploads are accepted at the moment." in words(answer)


def test_a_busy_server_and_a_storage_that_is_away_are_told(
    send: Callable[..., Any], settings: Settings, tmp_path: Any
) -> None:
    settings.UPLOADS_AT_ONCE = 0
    answer = send(CSV)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The server is receiving as many files as it can at once." in words(answer)
    settings.UPLOADS_AT_ONCE = 4
    (tmp_path / "file").touch()
    settings.STORAGES = {
        **settings.STORAGES,
        "artifacts": {**settings.STORAGES["artifacts"], "OPTIONS": {"location": str(tmp_path / "file" / "below")}},
    }
    answer = send(CSV)
    assert answer.status_code == 503
    assert "The file could not be stored. Try again in a few minutes." in words(answer)
    assert not Job.objects.exists()


def test_a_form_without_the_token_is_refused_before_its_file_is_stored(
    owner: User, send: Callable[..., Any], stored: Callable[[], set[str]]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    token = strict.get("/uploads/new?type=items").context["csrf_token"]
    before = stored()
    for wrong in ({}, {"csrfmiddlewaretoken": "x" * 64}):
        answer = send(CSV, client=strict, **wrong)
        assert answer.status_code == 403
        assert "The form has expired" in words(answer)
    assert stored() == before
    assert not Job.objects.exists()
    assert send(CSV, client=strict, csrfmiddlewaretoken=str(token)).status_code == 303


def test_a_token_behind_the_file_does_not_count(owner: User, stored: Callable[[], set[str]]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    token = strict.get("/uploads/new?type=items").context["csrf_token"]
    file = BytesIO(CSV)
    file.name = "rows.csv"
    before = stored()
    answer = strict.post("/uploads/new?type=items", {"file": file, "csrfmiddlewaretoken": str(token)})
    assert (answer.status_code, stored(), Job.objects.exists()) == (403, before, False)


def test_a_mended_file_names_what_it_corrects(signed_in: Client, owner: User) -> None:
    other = User.objects.create_user("bob")
    foreign = make_upload(other, "snippets", b"name\n")
    assert signed_in.get(f"/uploads/new?type=snippets&corrects={foreign.pk}").status_code == 404


@pytest.mark.parametrize(("phase", "is_told"), [("planned", True), ("merged", False)])
def test_a_correction_of_an_upload_that_wrote_nothing_must_be_of_the_whole_file(
    signed_in: Client, owner: User, phase: str, is_told: bool
) -> None:
    job = make_upload(owner, "items", CSV)
    Job.objects.update(state="dead", result={"upload": {"phase": phase, "rowsFailed": 1}})
    text = words(signed_in.get(f"/uploads/new?type=items&corrects={job.pk}"))
    assert ("Upload its whole file, not only the rows that were rejected." in text) is is_told


def test_the_form_as_an_earlier_upload_was_ordered(signed_in: Client, owner: User) -> None:
    job = make_upload(owner, "items", CSV, dryRun=True, mode="partial", csv={"encoding": "cp932", "delimiter": ","})
    page = signed_in.get(f"/uploads/new?like={job.pk}").content.decode()
    assert '<option value="cp932" selected>' in page
    assert 'value="partial" checked' in page


@pytest.mark.slow
def test_100_mb_take_no_more_memory_than_a_small_file(signed_in: Client) -> None:
    size = 100_000_000
    body = Body(size)
    environ: Any = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/uploads/new", "QUERY_STRING": "type=items", "wsgi.input": body,
        "CONTENT_TYPE": f"multipart/form-data; boundary={Body.BOUNDARY}", "CONTENT_LENGTH": str(len(body)),
    }  # fmt: skip
    gc.collect()
    tracemalloc.start()
    try:
        answer = signed_in.request(**environ)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_code == 303
    assert Job.objects.get().payload["file"]["sizeBytes"] == size
    assert peak < 16_000_000


class Body:
    """A form with a large file that is made while it is read."""

    BOUNDARY = "border"

    def __init__(self, size: int) -> None:
        field = '--border\r\nContent-Disposition: form-data; name="dryRun"\r\n\r\ntrue\r\n'
        file = '--border\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        self._head, self._tail = (field + file).encode(), b"\r\n--border--\r\n"
        self._left = size
        self._length = len(self._head) + size + len(self._tail)

    def __len__(self) -> int:
        return self._length

    def readline(self, size: int = -1) -> bytes:
        raise AssertionError("nobody reads lines")

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "the whole body is read at once"
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        if self._left:
            piece = b"a,b\n" * (min(size, self._left) // 4 + 1)
            piece = piece[: min(size, self._left)]
            self._left -= len(piece)
            return piece
        piece, self._tail = self._tail[:size], self._tail[size:]
        return piece
