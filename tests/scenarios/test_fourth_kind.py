"""An app outside of the packages adds a kind with types: a few lines, and every face of the service knows it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tests.support.apps.errands
from config.stack.datafolder import BASE_DIR

OPERATIONS = [
    "deleteErrand", "downloadErrand", "getErrand", "getErrandStatus", "getErrandType", "listErrandTypes",
    "listErrands", "orderErrand", "retryErrand",
]  # fmt: skip


def test_a_kind_takes_less_than_eighty_lines() -> None:
    files = Path(tests.support.apps.errands.__file__).parent.rglob("*.py")
    assert sum(len(file.read_text().splitlines()) for file in files) < 80


@pytest.mark.slow
def test_a_kind_of_another_app_has_a_resource_pages_scopes_and_an_admin_page(
    transactional_db: None, database_url: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.fourth_kind"],
        cwd=BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "EXTRA_APPS": "tests.support.apps.errands",
            "LOG_LEVEL": "ERROR",
            "SHARE_LINKS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    seen = json.loads(ran.stdout)
    assert seen["ordered"] == [202, "Queued", "greeting"]
    assert [error["pointer"] for [error] in seen["wrong"]] == ["#/parameters/name", "#/errandType"]
    assert seen["complete"] == ["Complete", True]
    assert seen["file"] == "Hello, Ada!\n"
    assert seen["listed"] == [{"name": "Ada"}]
    assert seen["types"] == ["greeting"]
    assert seen["operations"] == OPERATIONS
    assert seen["order_schema"] == "greeting"
    assert seen["operation"] is True
    assert seen["scopes"] == [
        200,
        "This token lacks the scope errands:order.",
        "This token lacks the scope errands:read.",
    ]
    assert "Errands" in seen["list_page"]
    assert "Greeting Complete Name Ada Download" in seen["list_page"]
    assert "Order an errand" in seen["list_page"]
    assert (
        "All of them Greeting Notify me Complete Waited less than 1 s, ran less than 1 s. e.csv 0 rows · 12 bytes"
        in seen["detail_page"]
    )
    assert "What was ordered Name Ada" in seen["detail_page"]
    assert "This permanently deletes the order and its file." in seen["detail_page"]
    assert "All types Greeting Parameters Name" in seen["form_page"]
    assert seen["placed_on_page"] == 303
    assert "Greeting Someone has shared this file with you. Download File e.csv" in seen["shared_page"]
    assert seen["shared_file"] == "Hello, Ada!\n"
    assert "Kind, type errand, greeting" in seen["admin_page"]
    assert "&quot;errandType&quot;: &quot;greeting&quot;" in seen["admin_page"]
