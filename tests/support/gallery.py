"""Pictures of whole pages in each look and language, for people to look at; and content that is hard on the layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from playwright.sync_api import Page

from jobs.mailing.contents import content_about
from jobs.mailing.topics import Topic
from jobs.models import Artifact, Job, SavedOrder, Schedule
from jobs.states import State
from tests.support.axe import DESK_DARK, DESK_LIGHT, PHONE_DARK, PHONE_LIGHT, set_look
from tests.support.undos import order_undo, undo
from tests.support.uploads import make_upload, upload

FOLDER: Final = Path(__file__).resolve().parents[2] / "gallery"  # not test-results, which pytest-playwright empties
LANGUAGES: Final = ("en", "ja")
LOOKS: Final = (DESK_LIGHT, DESK_DARK, PHONE_LIGHT, PHONE_DARK)
ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAINTED: Final = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
LONG: Final = "Quarterly revenue of all categories and shops, with taxes and corrections, for the board"


class Camera:
    """Takes pictures of pages, as FOLDER/NAME-WIDTH-SCHEME-LANGUAGE.png."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.language = LANGUAGES[0]
        self.numbers: dict[str, count[int]] = {}
        FOLDER.mkdir(parents=True, exist_ok=True)

    def speak(self, language: str) -> None:
        self.language = language
        self.page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": self.url}])

    def take_path(self, path: str, name: str = "") -> None:
        """The page at a path. Without a name, the file is named after the path."""
        name = name or self.name_of(path)
        self.take_state(name, lambda: None, start=path)

    def take_state(self, name: str, make: Callable[[], object], *, start: str) -> None:
        """What the page at `start` becomes by `make`, which is called once in each language."""
        for language in LANGUAGES:
            self.speak(language)
            set_look(self.page, LOOKS[0])
            self.page.goto(start, wait_until="load")
            make()
            for look in LOOKS:
                set_look(self.page, look)
                self.page.evaluate(
                    "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
                )
                picture = FOLDER / f"{name}-{look.width}-{look.scheme}-{language}.png"
                self.page.screenshot(path=picture, full_page=True, animations="disabled")

    def take_templates(self, names: dict[str, Callable[[], str]], *, start: str) -> None:
        """Pages that are hard to come by, as a function renders them, under the policies of the page at `start`."""
        for name, render in names.items():

            def show(render: Callable[[], str] = render) -> None:
                with translation.override(self.language):
                    self.page.set_content(render().replace("<head>", f'<head><base href="{self.url}/">'))
                self.page.wait_for_load_state("load")

            self.take_state(name, show, start=start)

    def name_of(self, path: str) -> str:
        """Of a file: the path in letters, digits and hyphens, with a number if it has an id."""
        plain = re.sub(r"[^a-z0-9]+", "-", ID.sub("", path).lower()).strip("-")[:60] or "home"
        number = next(self.numbers.setdefault(plain, count(1)))
        return plain if number == 1 else f"{plain}-{number}"


def submit(page: Page, selector: str = "main form") -> None:
    """Send a form, whatever the browser thinks of its values."""
    with page.expect_navigation():
        page.locator(selector).first.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")


def make_hard_content(owner: User) -> None:
    """Names as long as people make them, numbers as large as jobs have, and the states that are rare."""
    like = Job.objects.get(state=State.SUCCEEDED, artifacts__expires_at__gt=timezone.now() + timedelta(days=1))
    Job.objects.filter(state=State.RUNNING).update(progress_done=123_456_789, progress_total=1_234_567_890)
    Job.objects.create(
        state=State.RUNNING, owner=owner, kind="report", type="yearly-sales", queue="reports", max_attempts=5,
        payload=like.payload, started_at=Now(), cancel_requested_at=Now(), progress_percent=88,
    )  # fmt: skip
    unread = Job.objects.create(
        state=State.SUCCEEDED, owner=owner, kind="report", type="yearly-sales", queue="reports", max_attempts=5,
        payload=like.payload, finished_at=Now(),
    )  # fmt: skip
    Artifact.objects.create(
        job=unread, role="result", storage_name=f"{unread.pk}/x", filename=f"{LONG}.csv", row_count=12_345_678,
        content_type="text/csv", encoding="utf-8", size_bytes=9_876_543_210, sha256="ab" * 32, published_at=Now(),
        expires_at=timezone.now() + timedelta(hours=20),
    )  # fmt: skip
    SavedOrder.objects.create(
        owner=owner, kind="report", type="yearly-sales", name=LONG, payload={"parameters": {"year": 2023}, "csv": {}}
    )
    Schedule.objects.update(name=LONG)


def make_hard_uploads(owner: User) -> list[tuple[str, str]]:
    """Uploads in the states that `accessible_pages` leaves out; the name and the path of each."""
    head = "sku,name,category,list_price\n"
    first = head + "".join(f"S-{n},Solar panel {n},Energy,{n}.50\n" for n in range(1, 40))
    written = upload(owner, "products", first)
    changed = first.replace(",Solar panel 7,", ",Solar panel 7 with a long new name,").replace(",9.50", ",9.75")
    plan = upload(owner, "products", changed + "T-1,Tracker,Energy,99\n", dryRun=True, plan=True)
    many = "".join(f"X-{n},Part {n},{'Tools' if n % 2 else ''},{'cheap' if n % 3 else '1,5'}\n" for n in range(300))
    rejected = upload(owner, "products", head + many)
    running = make_upload(owner, "order-lines", b"number\n1\n", file={
        "filename": f"{LONG} (2).csv", "sizeBytes": 9_876_543_210, "sha256": "ab" * 32
    })  # fmt: skip
    Job.objects.filter(pk=running.pk).update(
        state=State.RUNNING, started_at=Now(), progress_percent=35, progress_done=1_234_567, progress_total=9_999_999
    )
    pages = {"written": written, "plan": plan, "rejected-many": rejected, "running": running}
    pages["undo-done"] = undo(written)
    pages["undo-queued"] = order_undo(upload(owner, "products", first.replace("S-", "U-")))
    return [(f"upload-{name}", reverse("upload-detail", args=[job.pk])) for name, job in pages.items()]


def error_pages() -> dict[str, Callable[[], str]]:
    """Those that only a broken server or browser shows."""
    templates = {
        "400": {}, "403": {}, "403_csrf": {}, "413": {}, "500": {}, "offline": {},
        "503": {"heading": "The database is unavailable"}, "account/too_many_resets": {},
    }  # fmt: skip
    return {
        f"error-{name.rpartition('/')[2].replace('_', '-')}": lambda name=name, context=context: render_to_string(  # type: ignore[misc]
            f"{name}.html", context
        )
        for name, context in templates.items()
    }


def mails() -> dict[str, Callable[[], str]]:
    """The HTML of mails about jobs of each end."""
    jobs = {
        Topic.COMPLETE: Job.objects.with_result().filter(state=State.SUCCEEDED).earliest("pk"),
        Topic.FAILED: Job.objects.with_result().get(state=State.DEAD),
    }

    def render(topic: Topic) -> str:
        context = {"content": content_about(topic, jobs[topic]), "language": translation.get_language()}
        return render_to_string("mail/mail.html", {**context, "occasion": "…", "stop_url": "http://localhost/"})

    return {f"mail-{topic}": lambda topic=topic: render(topic) for topic in jobs}  # type: ignore[misc]
