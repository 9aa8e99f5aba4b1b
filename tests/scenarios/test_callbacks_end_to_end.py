"""The whole way of a callback: a real web server, real workers, a real receiver."""

from collections.abc import Iterator

import pytest
import requests
from django.contrib.auth.models import User
from standardwebhooks.webhooks import Webhook

from examples.sales.seeding import seed_sales
from jobs.models import Job
from jobs.states import State
from tests.support.receivers import Receiver, receiving
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_a_report_that_has_ended_is_told_signed_while_other_receivers_hang(
    stack: Stack, live_url: str, receiver: Receiver
) -> None:
    list(seed_sales(lines=100, using="default"))
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {bearer_of(User.objects.create_user('ada'))}"
    secret = api.post(f"{live_url}/api/callbacks/secrets", timeout=30).json()["secret"]

    def order(path: str) -> str:
        body = {"reportType": "yearly-sales", "parameters": {"year": 2023}, "callbackURL": receiver.url(path)}
        ordered = api.post(f"{live_url}/api/reports", json=body, timeout=30)
        assert ordered.status_code == 202, ordered.text
        return str(ordered.json()["id"])

    with stack.running("worker-callbacks"):
        for _ in range(3):
            order("/hang")
        report = order("/ok?key=s3cret")
        wait_until(lambda: any(request.path.startswith("/ok") for request in receiver.received), timeout=40)
        [told] = [request for request in receiver.received if request.path.startswith("/ok")]
        event = Webhook(secret).verify(told.body, told.headers)
        assert (event["type"], event["data"]["id"], event["data"]["status"]) == ("report.completed", report, "Complete")
        download = api.get(f"{live_url}{event['data']['reportURL']}", timeout=30)
        assert download.status_code == 200
        hanging = Job.objects.filter(kind="callback", payload__url=receiver.url("/hang"))
        wait_until(lambda: hanging.filter(state=State.FAILED).count() == 3, message="those that hang are retried later")
    [delivered] = [
        row for row in api.get(f"{live_url}/api/callbacks", timeout=30).json()["results"] if row["jobID"] == report
    ]
    assert delivered["status"] == "Complete"
    assert "s3cret" not in stack.log("worker-callbacks")
    assert secret.removeprefix("whsec_") not in stack.log("worker-callbacks") + stack.log("web")
