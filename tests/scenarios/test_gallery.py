"""Every page that people see, in four looks and two languages: `make gallery` takes the pictures, for designers."""

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import FilePayload, Page, Route

from examples.sales.seeding import seed_sales
from jobs.models import Job, Queue, SavedOrder, Schedule
from jobs.states import State
from tests.support.accessible_pages import call_pages, upload_pages, user_pages, visitor_pages
from tests.support.axe import carry_session, sign_in_with_content
from tests.support.gallery import (
    LONG,
    Camera,
    error_pages,
    mails,
    make_hard_content,
    make_hard_uploads,
    submit,
)

pytestmark = [pytest.mark.screenshots, pytest.mark.django_db(transaction=True), pytest.mark.timeout(3000)]

FITS = "sku,name,category,list_price\nP-1,Anvil,Tools,12.50\nP-2,Rope,Tools,cheap\n"
DOES_NOT_FIT = f"Number;Name of the product;Group;{LONG}\nP-1;Anvil;Tools;12.50\n"


@pytest.fixture
def camera(page: Page, live_url: str) -> Camera:
    page.set_default_timeout(30_000)
    return Camera(page, live_url)


def test_lists_and_reports(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)
    make_hard_content(User.objects.get())
    for path in user_pages():
        camera.take_path(path)
    camera.take_path("/preferences")
    camera.take_path("/preferences/password")
    camera.take_templates(mails(), start="about:blank")


def test_uploads(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)
    for path in upload_pages():
        camera.take_path(path)
    for name, path in make_hard_uploads(User.objects.get()):
        camera.take_path(path, name)


def test_calls(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)
    for path in call_pages():
        camera.take_path(path)


def test_opened_menus(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)
    upload_path = dict(make_hard_uploads(User.objects.get()))["upload-rejected-many"]
    complete = Job.objects.filter(state=State.SUCCEEDED, kind="report").latest("pk")
    camera.take_state("menu-of-row", lambda: page.locator(".dots summary").nth(1).click(), start="/reports")
    camera.take_state("menu-of-filters", lambda: page.locator(".filters summary").click(), start="/reports")
    camera.take_state("menu-delete-report", lambda: page.click("#delete-menu"), start=f"/reports/{complete.pk}")
    camera.take_state("menu-delete-upload", lambda: page.locator(".job-actions .menu").click(), start=upload_path)
    camera.take_state(
        "menu-read-again", lambda: page.locator(".job-actions .quiet > summary").click(), start=upload_path
    )
    camera.take_state("selected-rows", lambda: page.locator("#select-all").check(), start="/reports")


def test_empty_lists(camera: Camera, page: Page, client: Client, live_url: str, owner: User) -> None:
    client.force_login(owner)
    carry_session(page, client, live_url)
    for path in ("/", "/reports", "/uploads", "/uploads/new", "/reports/new", "/schedules", "/tokens", "/search"):
        camera.take_path(path, f"empty-{path.strip('/').replace('/', '-') or 'home'}")


def test_forms(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    list(seed_sales(lines=5_000, using="default"))
    sign_in_with_content(page, client, live_url)

    def preview() -> None:
        page.locator("#parameters\\.year").fill("2023")
        page.locator("#preview").click()
        page.locator(".preview, .notice.wrong").first.wait_for()

    def order_with_mistakes() -> None:
        page.locator("#parameters\\.year").fill("19")
        submit(page, ".order > form")

    def save_as() -> None:
        page.locator(".save summary").click()

    def share() -> None:
        page.locator("#share form:has(select) button").click()
        page.locator("#share-link").wait_for()

    def order_the_same() -> None:
        for _ in range(2):
            page.goto("/reports/new?type=yearly-sales")
            page.locator("#parameters\\.year").fill("2019")
            submit(page, ".order > form")
        page.locator("#equal-heading").wait_for()

    complete = Job.objects.filter(state=State.SUCCEEDED, artifacts__expires_at=None).latest("pk")
    camera.take_state("preview-refused", preview, start="/reports/new?type=yearly-sales")
    camera.take_state("order-the-same", order_the_same, start="/reports/new?type=yearly-sales")
    camera.take_state("order-mistakes", order_with_mistakes, start="/reports/new?type=yearly-sales")
    camera.take_state("order-save-as", save_as, start="/reports/new?type=yearly-sales")
    camera.take_state("schedule-mistakes", lambda: submit(page), start="/schedules/new?kind=report&type=yearly-sales")
    camera.take_path(f"/schedules/{Schedule.objects.get().pk}/change", "schedule-change")
    camera.take_state("share-made", share, start=f"/reports/{complete.pk}")
    Schedule.objects.update(paused_at="2026-01-05T07:00Z")
    camera.take_path(f"/schedules/{Schedule.objects.get().pk}", "schedule-paused")
    Queue.objects.update(paused=False)
    camera.take_state("preview", preview, start="/reports/new?type=yearly-sales")
    SavedOrder.objects.all().delete()
    camera.take_path("/reports/new", "catalogue-without-saved")


def test_account(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)

    def revoke() -> None:
        page.locator(".scroll details summary").first.click()

    def open_menu() -> None:
        page.locator("header .menu summary").click()

    def make_token() -> None:
        page.locator("#id_name").fill("Nightly import of the warehouse")
        page.locator("[name=scopes]").first.check()
        page.locator("form.card button").click()
        page.locator("#token-text").wait_for()

    camera.take_state("token-made", make_token, start="/tokens")
    camera.take_state("token-revoke", revoke, start="/tokens")
    camera.take_state("token-mistakes", lambda: submit(page, "form.card"), start="/tokens")
    camera.take_state("menu", open_menu, start="/")
    camera.take_state("preferences-saved", lambda: submit(page), start="/preferences")


def test_sending(camera: Camera, page: Page, client: Client, live_url: str) -> None:
    sign_in_with_content(page, client, live_url)

    def choose(content: str) -> None:
        file: FilePayload = {"name": f"{LONG}.csv", "mimeType": "text/csv", "buffer": content.encode()}
        page.locator("#file").set_input_files(file)
        page.locator("[data-recognized] > *").first.wait_for()

    def send() -> None:
        choose(FITS)
        page.locator("#check").click()
        page.locator("#pause").wait_for()

    def pause() -> None:
        send()
        page.locator("#pause").click()
        page.locator("#resume").wait_for()

    start = "/uploads/new?type=products"
    camera.take_state("upload-recognized", lambda: choose(FITS), start=start)
    camera.take_state("upload-recognized-not-fitting", lambda: choose(DOES_NOT_FIT), start=start)
    camera.take_state("upload-mistakes", lambda: submit(page, "form[data-upload]"), start=start)
    stalled: list[Route] = []
    page.route("**/api/uploads/resumable**", lambda route: stalled.append(route))
    camera.take_state("upload-sending", send, start=start)
    camera.take_state("upload-paused", pause, start=start)


def test_visitors(camera: Camera, page: Page) -> None:
    def fail() -> None:
        page.locator("#id_username").fill("ada")
        page.locator("#id_password").fill("wrong")
        page.locator(".sign-in form button").click()
        page.locator("[role=alert]").first.wait_for()

    def lock_out() -> None:
        fail()
        AccessAttempt.objects.update(failures_since_start=settings.AXES_FAILURE_LIMIT)
        page.locator("#id_password").fill("wrong")
        page.locator(".sign-in form button").click()
        page.locator(".message").wait_for()
        AccessAttempt.objects.all().delete()

    for path in dict.fromkeys(visitor_pages()):
        if not path.startswith(("/admin", "/api")):
            camera.take_path(path, "visitor-" + camera.name_of(path))
    camera.take_path("/password/forgot")
    camera.take_state("sign-in-mistakes", fail, start="/sign-in")
    camera.take_state("locked-out", lock_out, start="/sign-in")
    camera.take_templates(error_pages(), start="/sign-in")
