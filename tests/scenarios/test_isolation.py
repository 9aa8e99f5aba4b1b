"""For every URL that holds an id: somebody else's answers byte for byte as one that nobody has."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from jobs.models import Artifact, CallbackEndpoint, Job
from jobs.models.token import ApiToken
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db

UNKNOWN = str(UUID("0190163d-8694-739b-aea5-966c26f8ad91"))
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
#: Of each answer: when it was made, how much of the own quota is left.
OF_THE_MOMENT = {"Date", "RateLimit"}
#: Django masks the token against CSRF anew each time that it shows it.
MASKED_ANEW = re.compile(rb'(?<="X-CSRFToken": ")\w{64}|(?<=name="csrfmiddlewaretoken" value=")\w{64}')
#: What stands behind an id of a path. `identifier` is a report type's, which is nobody's.
NO_IDS = {"identifier"}


def paths(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """Each path with an id, as `/api/reports/{}/status`, and the name of that id."""
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not path.startswith("admin"):  # for the staff, who may see all
                yield from paths(pattern.url_patterns, path)
        elif names := [name for name in pattern.pattern.converters if name not in NO_IDS]:
            assert len(names) == 1
            yield "/" + path.replace(f"<str:{names[0]}>", "{}"), names[0]


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
    message = {"job": None, "url": "https://x.example/", "message": "msg_1", "body": {"type": "callback.test"}}
    jobs += [
        job(state, kind="callback", queue="callbacks", payload=message) for state in (State.FAILED, State.SUCCEEDED)
    ]
    endpoint = CallbackEndpoint.objects.create(owner=stranger, url="https://x.example/", disabled_at=timezone.now())
    bearer_of(stranger)
    return {
        "job_id": [str(job.pk) for job in jobs],
        "token_id": [str(ApiToken.objects.get(user=stranger).id)],
        "endpoint_id": [str(endpoint.pk)],
    }


@pytest.fixture(params=["token", "session"])
def ask(request: pytest.FixtureRequest, db: None) -> Callable[[str, str, str], tuple[Any, ...]]:
    """Ask as ada, and take the answer apart."""
    ada = User.objects.create_user("ada")
    client = Client(raise_request_exception=False)
    headers = {}
    if request.param == "token":
        headers["Authorization"] = f"Bearer {bearer_of(ada)}"
        client.get("/api/reports", headers=headers)  # its use is noted
    else:
        client.force_login(ada)

    def ask(method: str, path: str, id_: str) -> tuple[Any, ...]:
        path = path.format(id_)
        options: dict[str, Any] = {} if method in ("get", "head") else {"content_type": "application/json"}
        answer = getattr(client, method)(path, headers=headers, **options)
        shown = {name: value.replace(id_, "{id}") for name, value in answer.headers.items()}
        body = MASKED_ANEW.sub(b"", answer.getvalue().replace(id_.encode(), b"{id}"))
        return answer.status_code, {name: shown[name] for name in shown.keys() - OF_THE_MOMENT}, body

    return ask


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_somebody_elses_id_answers_as_one_that_nobody_has(
    path: str, theirs: dict[str, list[str]], ask: Callable[[str, str, str], tuple[Any, ...]]
) -> None:
    before = list(Job.objects.order_by("pk").values()), list(ApiToken.objects.order_by("pk").values("id", "user"))
    for method in METHODS:
        unknown = ask(method, path, UNKNOWN)
        assert unknown[0] in (302, 403, 404, 405)
        for theirs_id in theirs[PATHS[path]]:
            assert ask(method, path, theirs_id) == unknown, (method, path)
    after = list(Job.objects.order_by("pk").values()), list(ApiToken.objects.order_by("pk").values("id", "user"))
    assert after == before


def test_the_paths_are_those_that_there_are() -> None:
    assert {"/api/reports/{}", "/api/operations/{}", "/api/tokens/{}", "/reports/{}/cancel"} <= PATHS.keys()
