"""For every URL that holds an id: somebody else's answers byte for byte as one that nobody has."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import Settings

from jobs.models import Artifact, CallbackEndpoint, Job, SavedOrder, Schedule, ShareLink
from jobs.models.token import ApiToken
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.tokens import bearer_of
from uploads.models import ResumableUpload

pytestmark = pytest.mark.django_db

UNKNOWN = str(UUID("0190163d-8694-739b-aea5-966c26f8ad91"))
#: Of ids that are numbers.
UNKNOWN_NUMBER = str(2**31 - 1)
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
#: Of each answer: when it was made, how much of the own quota is left.
OF_THE_MOMENT = {"Date", "RateLimit"}
#: Django masks the token against CSRF anew each time that it shows it.
MASKED_ANEW = re.compile(rb'(?<="X-CSRFToken": ")\w{64}|(?<=name="csrfmiddlewaretoken" value=")\w{64}')
CONVERTER = re.compile(r"<(?:str|int):(\w+)>")
#: What stands behind an id of a path. `identifier` is a type's, which is nobody's; `token` is itself the permission, as
#: it is for the account of `uidb64`.
NO_IDS = {"identifier", "token", "uidb64"}
#: How a view refuses. Only OPTIONS of tus, which look nothing up, succeed.
REFUSALS = {302, 403, 404, 405}
#: Without these, resumable uploads refuse a request before they look for the upload.
TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
#: What must not have changed, and the columns that tell it.
UNTOUCHED: list[tuple[Any, tuple[str, ...]]] = [
    (Job, ()),
    (ApiToken, ("id", "user")),
    (ResumableUpload, ()),
    (SavedOrder, ()),
    (Schedule, ()),
    (ShareLink, ()),
]


def paths(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each path with ids, as `/api/reports/{job_id}/status`, and the names of those ids."""
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not path.startswith("admin"):  # for the staff, who may see all
                yield from paths(pattern.url_patterns, path)
        elif names := [name for name in pattern.pattern.converters if name not in NO_IDS]:
            yield "/" + CONVERTER.sub(r"{\1}", path), names


PATHS = dict(paths(get_resolver().url_patterns))


def published(job: Job) -> Job:
    Artifact.objects.create(
        job=job, role="result", filename="x.csv", content_type="text/csv", encoding="utf-8", row_count=1, size_bytes=1,
        sha256="0" * 64, published_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1),
        storage_name=storages["artifacts"].save("isolation-test", ContentFile(b"x")),
    )  # fmt: skip
    return job


@pytest.fixture
def theirs() -> dict[str, list[str]]:
    """Ids of a stranger's things, by the name that a path gives to them."""
    stranger = User.objects.create_user("stranger")
    payload = {"reportType": "customers", "parameters": {}, "csv": Dialect().to_payload()}

    def job(state: State, **columns: Any) -> Job:
        values = {"kind": "report", "queue": "reports", "owner": stranger, "payload": payload, "max_attempts": 1}
        return Job.objects.create(**(values | {"state": state} | columns))

    jobs = [job(State.RUNNING), job(State.DEAD), published(job(State.SUCCEEDED))]
    jobs += [
        job(state, kind="call", queue="calls", payload={"callType": "doubles", "parameters": {}}, result={"value": 1})
        for state in (State.RUNNING, State.SUCCEEDED)
    ]
    message = {"job": None, "url": "https://x.example/", "message": "msg_1", "body": {"type": "callback.test"}}
    jobs += [
        job(state, kind="callback", queue="callbacks", payload=message) for state in (State.FAILED, State.SUCCEEDED)
    ]
    endpoint = CallbackEndpoint.objects.create(owner=stranger, url="https://x.example/", disabled_at=timezone.now())
    bearer_of(stranger)
    tomorrow = timezone.now() + timedelta(days=1)
    schedule = Schedule.objects.create(owner=stranger, kind="report", type="customers", order={}, recurrence={})
    upload = ResumableUpload.objects.create(owner=stranger, length_bytes=9, order={}, expires_at=tomorrow)
    saved = SavedOrder.objects.create(
        pk=int(UNKNOWN_NUMBER) - 1, owner=stranger, kind="report", type="customers", name="mine", payload=payload
    )
    link = ShareLink.objects.create(job=jobs[2], created_by=stranger, expires_at=tomorrow)
    return {
        "job_id": [str(job.pk) for job in jobs],
        "token_id": [str(ApiToken.objects.get(user=stranger).id)],
        "endpoint_id": [str(endpoint.pk)],
        "link_id": [str(link.pk)],
        "saved_id": [str(saved.pk)],
        "schedule_id": [str(schedule.pk)],
        "upload_id": [str(upload.pk)],
    }


@pytest.fixture(params=["token", "session"])
def ask(request: pytest.FixtureRequest, db: None, settings: Settings) -> Callable[..., tuple[Any, ...]]:
    """Ask as ada, and take the answer apart."""
    settings.SHARE_LINKS = True
    ada = User.objects.create_user("ada")
    client = Client(raise_request_exception=False)
    headers = dict(TUS)
    if request.param == "token":
        headers["Authorization"] = f"Bearer {bearer_of(ada)}"
        client.get("/api/reports", headers=headers)  # its use is noted
    else:
        client.force_login(ada)

    def ask(method: str, path: str, ids: dict[str, str]) -> tuple[Any, ...]:
        path = path.format(**ids)
        options: dict[str, Any] = {} if method in ("get", "head") else {"content_type": "application/json"}
        answer = getattr(client, method)(path, headers=headers, **options)
        shown, body = dict(answer.headers), MASKED_ANEW.sub(b"", answer.getvalue())
        for id_ in ids.values():
            shown = {name: value.replace(id_, "{id}") for name, value in shown.items()}
            body = body.replace(id_.encode(), b"{id}")
        return answer.status_code, {name: shown[name] for name in shown.keys() - OF_THE_MOMENT}, body

    return ask


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_somebody_elses_id_answers_as_one_that_nobody_has(
    path: str, theirs: dict[str, list[str]], ask: Callable[..., tuple[Any, ...]]
) -> None:
    before = rows()
    names = PATHS[path]
    for method in METHODS:
        nobodys = {name: UNKNOWN_NUMBER if name == "saved_id" else UNKNOWN for name in names}
        unknown = ask(method, path, nobodys)
        is_description = method == "options" and "upload_id" in names
        assert unknown[0] in (REFUSALS | {204} if is_description else REFUSALS), (method, path)
        for ids in product(*(theirs[name] for name in names)):
            assert ask(method, path, dict(zip(names, ids, strict=True))) == unknown, (method, path)
    assert rows() == before


def rows() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values(*columns)) for model, columns in UNTOUCHED]


def test_the_paths_are_those_that_there_are() -> None:
    assert {
        "/api/reports/{job_id}",
        "/api/operations/{job_id}",
        "/api/tokens/{token_id}",
        "/api/uploads/resumable/{upload_id}",
        "/reports/{job_id}/cancel",
        "/api/calls/{job_id}/result",
        "/api/calls/{job_id}/steps",
        "/calls/{job_id}/steps",
        "/reports/{job_id}/share/{link_id}/revoke",
        "/schedules/{schedule_id}/delete",
    } <= PATHS.keys()
