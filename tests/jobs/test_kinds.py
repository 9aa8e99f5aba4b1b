"""The registry of kinds, which alone knows queues, scopes and URLs of results."""

import pytest
from django.conf import settings as real_settings
from pytest_django import Settings

from config.queues import OTHER_QUEUES, all_queues
from jobs import kinds
from jobs.bulk.kind import KIND as BULK
from jobs.dispatch.mailed import mailed_kinds
from jobs.kinds import Kind, QueueDials, Scopes, get_kind, kind_names, queue_dials, queues_of_jobs, register_kind
from jobs.models import Job
from jobs.tokens.scopes import known_scopes


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))


def test_the_settings_declare_the_queues_of_the_registered_kinds_and_no_others() -> None:
    of_kinds = {get_kind(name).queue for name in kind_names()}
    assert of_kinds == set(all_queues({})) - {real_settings.CELERY_TASK_DEFAULT_QUEUE}
    assert set(queue_dials()) == of_kinds
    assert {BULK.queue, get_kind("callback").queue} < set(OTHER_QUEUES)


def test_ticks_wait_in_no_queue_of_jobs() -> None:
    assert {*queues_of_jobs(), "housekeeping"} == set(real_settings.QUEUE_NAMES)
    assert real_settings.CELERY_TASK_DEFAULT_QUEUE == "housekeeping"


def test_two_kinds_that_give_different_dials_to_one_queue_are_refused() -> None:
    dials = queue_dials()["reports"]
    register_kind(Kind("twin", "reports", lambda context: None, queue_dials=dials))
    register_kind(Kind("silent", "reports", lambda context: None))
    with pytest.raises(ValueError, match="different dials to the queue 'reports'"):
        register_kind(Kind("other", "reports", lambda context: None, queue_dials=QueueDials(max_running=99)))
    assert {"twin", "silent"} < set(kind_names())
    assert "other" not in kind_names()


def test_the_scopes_of_a_kind_can_be_granted() -> None:
    assert "errands:read" not in known_scopes()
    scopes = Scopes("errands:read", "errands:order", read_allows="see errands", write_allows="order errands")
    register_kind(Kind("errand", "reports", lambda context: None, scopes=scopes))
    register_kind(Kind("private", "reports", lambda context: None))
    assert known_scopes().items() >= {"errands:read": "see errands", "errands:order": "order errands"}.items()
    assert "*" not in known_scopes()


def test_a_kind_names_the_url_of_a_result() -> None:
    job = Job()
    assert get_kind("report").url_of_result(job) == f"/api/reports/{job.pk}/download"
    assert get_kind("callback").url_of_result(job) is None


def test_a_kind_with_pages_knows_the_page_of_a_job() -> None:
    job = Job()
    assert get_kind("report").url_of_page(job.pk) == f"/reports/{job.pk}"
    assert [get_kind(name).url_of_page(job.pk) for name in ("callback", "bulk", "mail")] == [None, None, None]


def test_owners_get_mail_about_jobs_with_a_page_if_the_server_sends_mail(settings: Settings) -> None:
    assert mailed_kinds() == []
    settings.MAIL_IS_ON = True
    assert "report" in mailed_kinds()
    assert {"callback", "bulk", "mail", "inquiry"}.isdisjoint(mailed_kinds())
