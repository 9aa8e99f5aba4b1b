"""What the faces of the service answer about an errand: a kind that `tests.support.apps.errands` adds.

Run with that app in EXTRA_APPS; prints the answers as JSON. It is a process of its own, as a kind stays registered.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.test.utils import setup_test_environment

ORDER = {"errandType": "greeting", "parameters": {"name": "Ada"}}


def main() -> dict[str, Any]:
    """Order an errand, run it, and look at it everywhere."""
    from django.contrib.auth.models import User
    from django.db.models.functions import Now
    from django.test import Client
    from django.urls import reverse
    from rest_framework.test import APIClient

    from jobs.models import Job, Queue
    from jobs.sharing.signature import token_of
    from jobs.worker.execution import execute_job
    from tests.support.page_text import words
    from tests.support.tokens import bearer_of

    Queue.objects.update(paused=True)  # no worker that still lives takes the job: none of them knows the kind
    owner = User.objects.create_superuser("ada")

    def api(*scopes: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(owner, *scopes)}")
        return client

    full, reading, foreign = api("errands:read", "errands:order"), api("errands:read"), api("reports:read")
    pages = Client()
    pages.force_login(owner)
    ordered = full.post("/api/errands", ORDER, format="json")
    status = ordered["Location"]
    job = Job.objects.get(pk=ordered.json()["id"])
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="here")
    complete = full.get(status).json()
    pages.post(f"/errands/{job.pk}/share", {"term": "1"})
    shared = reverse("shared", args=[token_of(job.share_links.get())])
    schema = full.get("/api/schema", HTTP_ACCEPT="application/json").json()
    return {
        "ordered": [ordered.status_code, ordered.json()["status"], ordered.json()["errandType"]],
        "wrong": [full.post("/api/errands", wrong, format="json").json()["errors"] for wrong in (
            {**ORDER, "parameters": {}}, {**ORDER, "errandType": "sing"},
        )],
        "complete": [complete["status"], complete["errandURL"] == f"/api/errands/{job.pk}/download"],
        "file": b"".join(full.get(complete["errandURL"])).decode(),
        "listed": [shown["parameters"] for shown in full.get("/api/errands?errandType=greeting").json()["results"]],
        "types": [shown["identifier"] for shown in full.get("/api/errand-types").json()["results"]],
        "operations": sorted(
            operation["operationId"]
            for path, item in schema["paths"].items() if "/errand" in path
            for operation in item.values()
        ),
        "order_schema": schema["components"]["schemas"]["ErrandOrderRequest"]["oneOf"][0]["title"],
        "operation": full.get(f"/api/operations/{job.pk}").json()["resourceLocation"].endswith(complete["errandURL"]),
        "scopes": [
            reading.get(status).status_code, reading.post("/api/errands", ORDER, format="json").json()["detail"],
            foreign.get(status).json()["detail"],
        ],
        "list_page": words(pages.get("/errands")),
        "detail_page": words(pages.get(f"/errands/{job.pk}")),
        "form_page": words(pages.get("/errands/new?type=greeting")),
        "placed_on_page": pages.post("/errands/new?type=greeting", {"parameters.name": "Bea"}).status_code,
        "shared_page": words(Client().get(shared)),
        "shared_file": b"".join(Client().get(f"{shared}/download")).decode(),
        "admin_page": words(pages.get(reverse("admin:jobs_job_change", args=[job.pk]))),
    }  # fmt: skip


if __name__ == "__main__":
    django.setup()
    setup_test_environment()
    sys.stdout.write(json.dumps(main()))
