"""Who may write a resumable upload."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from tests.support.threads import Threads
from uploads.models import ResumableUpload
from uploads.resumable.claiming import create_upload, take_over
from uploads.resumable.errors import FinishingError, OvertakenError, TooManyError, WrongOffsetError
from uploads.resumable.metadata import order_of

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., ResumableUpload]


def test_each_request_gets_a_new_token(make: Make) -> None:
    upload = make(10)
    assert upload.fencing_token == 0
    assert [take_over(upload).fencing_token, take_over(upload, offset=0).fencing_token] == [1, 2]
    assert take_over(upload).order == upload.order


def test_a_wrong_offset_takes_nothing_over(make: Make) -> None:
    upload = make(10)
    with pytest.raises(WrongOffsetError) as wrong:
        take_over(upload, offset=1)
    assert (wrong.value.expected, ResumableUpload.objects.get().fencing_token) == (0, 0)


def test_nobody_takes_over_while_the_job_is_made_or_afterwards(make: Make) -> None:
    upload = make(10)
    ResumableUpload.objects.update(finishing_until=Now() + timedelta(minutes=1))
    for offset in (None, 0):
        with pytest.raises(FinishingError):
            take_over(upload, offset=offset)
    ResumableUpload.objects.update(finishing_until=Now())
    taken = take_over(upload)
    assert (taken.fencing_token, taken.finishing_until) == (1, None)
    ResumableUpload.objects.update(job_id=upload.pk, offset_bytes=10)
    for offset in (None, 0, 10):
        with pytest.raises(WrongOffsetError):
            take_over(upload, offset=offset)
    ResumableUpload.objects.all().delete()
    with pytest.raises(OvertakenError):
        take_over(upload)


def test_many_at_once_make_no_more_than_the_limit(owner: User, settings: Settings) -> None:
    settings.RESUMABLE_UPLOADS_PER_USER = 3
    order = order_of({"uploadType": "items"})

    def create(number: int) -> bool:
        try:
            create_upload(owner=owner, length_bytes=1, order=order, filename="", metadata="")
        except TooManyError:
            return False
        return True

    with Threads(8) as threads:
        made = list(threads.map(create, range(16)))
    assert (made.count(True), ResumableUpload.objects.count()) == (3, 3)
