"""The page of a failed report offers one remedy, in its own words."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from calls.remedies import REMEDIES_OF_CALLS
from jobs.classification import classify
from jobs.error_codes import Source, error_codes
from jobs.models import Job
from jobs.states import State
from reports.remedies import REMEDIES_OF_REPORTS
from tabular.encoding import UnencodableError
from tests.support.page_text import words
from uploads.remedies import REMEDIES_OF_UPLOADS

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
#: Codes that only callbacks fail with.
OF_CALLBACKS = {"no-owner", "endpoint-disabled", "url-not-allowed", "receiver-unreachable", "gone"}
#: Codes that only mails fail with.
OF_MAILS = {"mail-refused", "mail-unconfirmed"}
#: Tasks have no owner.
OF_TASKS = {"return-value", "task-arguments", "unknown-task"}
#: Only the failure itself knows whether trying again may help.
LEFT_TO_THE_FAILURE = {"permanent-error"}


def failed(make_job: MakeJob, code: str, *, retryable: bool = False, detail: str = "It is so.") -> Job:
    return make_job(State.DEAD, result={"error": {"code": code, "detail": detail, "retryable": retryable}})


@pytest.mark.parametrize(
    ("code", "retryable", "sentence", "remedy"),
    [
        ("unencodable-character", False, "Choose another encoding", "Choose another file format"),
        ("invalid-parameters", False, "Check the parameters", "Change the parameters"),
        ("permanent-error", False, "Change the parameters and order again.", "Change the parameters"),
        ("time-limit", True, "A change will. Ask for less, such as a shorter period.", "Change the parameters"),
        ("database-error", True, "Trying again later can help. Wait a few minutes, then try again.", "Try again"),
        ("retryable-error", True, "Trying again later can help. Wait a few minutes, then try again.", "Try again"),
        ("storage-full", True, "Ask your administrator to make room", "Try again"),
        (
            "query-refused",
            False,
            "Neither waiting nor a change will help. Ask your administrator to find the cause.",
            "Try again",
        ),
        (
            "internal-error",
            True,
            "Neither waiting nor a change will help. Ask your administrator to find the cause.",
            "Try again",
        ),
        (
            "worker-lost",
            True,
            "Neither waiting nor a change will help. Ask your administrator to find the cause.",
            "Try again",
        ),
        ("unknown-report-type", False, "This type no longer exists, or you may no longer use it.", None),
        ("made-up-by-a-type", True, "Trying again later can help. Wait a few minutes, then try again.", "Try again"),
        ("made-up-by-a-type", False, "Change the parameters and order again.", "Change the parameters"),
    ],
)
def test_each_failure_has_one_remedy(
    signed_in: Client, make_job: MakeJob, code: str, retryable: bool, sentence: str, remedy: str | None
) -> None:
    page = signed_in.get(f"/reports/{failed(make_job, code, retryable=retryable).pk}")
    assert sentence in words(page)
    offered = re.findall(r'<(?:a|button)[^>]* id="remedy"[^>]*>([^<]+)<', page.content.decode())
    assert offered == ([] if remedy is None else [remedy])
    assert "Order this report again" not in words(page)
    assert code not in words(page)


def test_every_code_of_the_catalogue_has_a_remedy_that_fits(signed_in: Client, make_job: MakeJob) -> None:
    codes = {known.code for known in error_codes(Source.JOB)} - OF_CALLBACKS - OF_MAILS - OF_TASKS
    assert len(codes) > 10
    for code in codes:
        page = signed_in.get(f"/reports/{failed(make_job, code).pk}").content.decode()
        assert "What you can do" in page, code
        known = {**REMEDIES_OF_REPORTS, **REMEDIES_OF_UPLOADS, **REMEDIES_OF_CALLS}
        assert code in known or code in LEFT_TO_THE_FAILURE, code


def test_another_file_format_is_chosen_in_the_form_filled_in_and_unfolded(signed_in: Client, make_job: MakeJob) -> None:
    job = failed(make_job, "unencodable-character")
    link = re.search(r'id="remedy" href="([^"]+)"', signed_in.get(f"/reports/{job.pk}").content.decode())
    assert link is not None
    form = signed_in.get(link[1].replace("&amp;", "&")).content.decode()
    assert 'type="radio" value="custom" checked>' in form
    assert 'value="2023"' in form


def test_the_failure_speaks_of_nothing_that_page_users_never_saw() -> None:
    error = UnencodableError(character="😀", encoding="cp932", row=3, column="Name")
    assert str(error) == "Row 3, column Name: the encoding cp932 lacks the character '😀' (U+1F600)."
    assert " id" not in classify(Exception()).detail


@pytest.mark.parametrize(
    ("contact", "link", "sentence"),
    [
        ("", "", "Do you need help? Ask your administrator and name this ID: {id} Copy"),
        ("help@example.com", "mailto:help@example.com", "Ask help@example.com and name this ID: {id} Copy"),
        ("https://help.example.com/?a=1&b=2", "https://help.example.com/?a=1&amp;b=2", "and name this ID: {id} Copy"),
    ],
)
def test_a_failure_names_whom_to_ask(
    signed_in: Client, make_job: MakeJob, settings: Settings, contact: str, link: str, sentence: str
) -> None:
    settings.SUPPORT_CONTACT = contact
    job = failed(make_job, "internal-error")
    page = signed_in.get(f"/reports/{job.pk}")
    assert sentence.format(id=job.pk) in words(page)
    assert (f'id="contact" href="{link}"' in page.content.decode()) is bool(link)
