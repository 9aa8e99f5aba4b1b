"""The pages of the admin are measured with few jobs and with many."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bench import admin
from bench.measuring import WrongWorkError
from bench.registry import Setting
from bench.sizes import Sizes
from config.stack.datafolder import DataFolder


@pytest.mark.django_db(transaction=True)
def test_each_page_shows_a_job_and_the_rows_compare_many_with_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "PAGES", {name: admin.PAGES[name] for name in ("rare kind", "rare value")})
    monkeypatch.setattr(admin, "OTHERS", {name: admin.OTHERS[name] for name in ("dashboard", "scrape")})
    sizes = Sizes(lines=1, rows=1, seconds=1, rate=1, jobs=1, requests=1, backlog=2000, upload_rows=1, repeat=1)
    setting = Setting(**vars(sizes), folder=DataFolder(tmp_path))
    rows = admin.run(setting)
    assert [(row.name, row.target, row.at_most) for row in rows] == [
        ("admin", 1.3, True),
        ("dashboard", 100.0, True),
        ("scrape", 1.3, True),
    ]
    assert [str(measured).partition(":")[0] for measured in (rows[0].ours, rows[0].beside)] == [
        "2,000 jobs",
        "1,000 jobs",
    ]


@pytest.mark.django_db
def test_a_page_without_a_job_is_wrong_work() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    with pytest.raises(WrongWorkError, match="/admin/jobs/job/ shows nothing"):
        admin.rows_shown(client, "/admin/jobs/job/")
