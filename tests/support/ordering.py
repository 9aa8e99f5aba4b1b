"""How tests order, and what a problem looks like."""

from typing import Any

from rest_framework.test import APIClient

ORDER = {"reportType": "yearly-sales", "parameters": {"year": "2023"}}


def post(api: APIClient, body: Any, **options: Any) -> Any:
    return api.post("/api/reports", body, **{"format": "json", **options})


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/api/errors#{code}"
    assert body["title"]
    assert body["detail"]
    return body
