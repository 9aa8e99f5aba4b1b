"""The form sends a large file in Chromium, whatever the network, the user and the computer do meanwhile."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, Route, expect

from jobs.models import Artifact, NumberFormat, Preferences, Queue
from tests.support.axe import carry_session
from tests.support.proxies import Proxy
from tests.support.upload_form import (
    CHUNK_BYTES,
    FORM,
    LARGE,
    arrived,
    choose,
    cut_at,
    offset,
    second_is_under_way,
    state,
)
from tests.support.uploads import file_of
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload

pytestmark = pytest.mark.django_db(transaction=True)

#: Whoever asks for the offset takes the upload over.
ASK_OFFSET = """async id => {
    const asked = { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } };
    return (await fetch(`/api/uploads/resumable/${id}`, asked)).headers.get("Upload-Offset");
}"""
ANNOUNCED = """() => {
    window.announced = [];
    const state = document.querySelector("[data-part=state]");
    new MutationObserver(() => announced.push(state.textContent)).observe(state, { childList: true });
}"""


def test_a_cut_connection_is_told_and_mended(form: Page, large: Path, patches: list[int]) -> None:
    form.evaluate(ANNOUNCED)
    mend = cut_at(form, CHUNK_BYTES)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    form.context.set_offline(True)
    form.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    form.unroute_all()
    mend()
    form.evaluate("() => document.querySelector('[data-part=pause]').click()")
    form.get_by_role("button", name="Go on").click()
    expect(state(form)).to_have_text("The connection is lost. The upload goes on by itself when it is back.")
    form.context.set_offline(False)
    job = arrived(form)
    assert file_of(job, Artifact.Role.SOURCE) == LARGE
    assert (job.payload["dryRun"], job.payload["file"]["filename"]) == (True, "large.csv")
    assert patches.count(0) == 1
    assert sorted(set(patches)) == [0, CHUNK_BYTES, 2 * CHUNK_BYTES]


def test_a_reload_in_the_middle_loses_nothing(form: Page, large: Path, patches: list[int]) -> None:
    mend = cut_at(form, CHUNK_BYTES)
    form.set_input_files("#file", large)
    form.get_by_label("Write the good rows").check()
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    form.on("dialog", lambda dialog: dialog.accept())
    form.goto(FORM)
    mend()
    percent = CHUNK_BYTES * 100 // len(LARGE)
    expect(form.locator("[data-interrupted]")).to_contain_text(
        f"The upload of large.csv was interrupted at {percent} %. Choose the same file again"
    )
    patches.clear()
    form.set_input_files("#file", large)
    job = arrived(form)
    assert file_of(job, Artifact.Role.SOURCE) == LARGE
    assert job.payload["mode"] == "partial"
    assert patches == [CHUNK_BYTES, 2 * CHUNK_BYTES]
    form.goto(FORM)
    expect(form.locator("[data-interrupted]")).to_be_hidden()
    assert form.evaluate("() => localStorage.length") == 0


def test_an_interrupted_upload_can_be_discarded(form: Page, large: Path, patches: list[int]) -> None:
    mend = cut_at(form, CHUNK_BYTES)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    form.on("dialog", lambda dialog: dialog.accept())
    form.goto(FORM)
    mend()
    form.get_by_role("button", name="Discard what was sent").click()
    expect(form.locator("[data-interrupted]")).to_be_hidden()
    wait_until(lambda: not ResumableUpload.objects.exists())


def test_a_paused_upload_goes_on_and_a_canceled_one_leaves_nothing(
    form: Page, large: Path, patches: list[int], complaints: list[str]
) -> None:
    mend = cut_at(form, CHUNK_BYTES)
    form.evaluate(ANNOUNCED)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    assert re.fullmatch(r"8\.\d MB / 20\.0 MB \(\d\d %\)", form.locator("[data-part=bytes]").inner_text())
    form.get_by_role("button", name="Pause").click()
    expect(form.get_by_role("button", name="Go on")).to_be_focused()
    expect(state(form)).to_have_text("The upload is paused.")
    assert (form.title(), offset()) == ("Upload: Items – Longhaul", CHUNK_BYTES)
    form.get_by_role("button", name="Go on").click()
    expect(form.get_by_role("button", name="Pause")).to_be_focused()
    assert form.evaluate("() => announced") == [
        "The file is being sent. Keep this page open.",
        "The upload is paused.",
        "The file is being sent. Keep this page open.",
    ]
    form.get_by_role("button", name="Cancel").click()
    expect(form.locator("#file")).to_be_focused()
    expect(form.locator("[data-recognized-says]")).to_have_text("The upload was canceled.")
    wait_until(lambda: not ResumableUpload.objects.exists())
    mend()
    form.get_by_role("button", name="Check first").click()
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE


def test_the_progress_has_the_separators_that_the_user_prefers(
    form: Page, owner: User, large: Path, patches: list[int], complaints: list[str]
) -> None:
    Preferences.objects.create(user=owner, number_format=NumberFormat.POINT_COMMA)
    form.goto(FORM)
    mend = cut_at(form, CHUNK_BYTES)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    assert re.fullmatch(r"8,\d MB / 20,0 MB \(\d\d %\)", form.locator("[data-part=bytes]").inner_text())
    mend()
    form.get_by_role("button", name="Pause").click()
    form.get_by_role("button", name="Go on").click()
    arrived(form)


def test_a_refusal_is_told(form: Page, large: Path) -> None:
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=0)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    problem = form.locator("[data-part=problem]")
    expect(problem).to_have_text("You have as many jobs waiting as you may have. Wait until one of them has ended.")
    expect(state(form)).to_have_text("The upload has stopped.")
    Queue.objects.filter(name="uploads").update(max_queued_per_owner=None)
    form.get_by_role("button", name="Go on").click()
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE


def test_who_is_signed_out_meanwhile_goes_on_after_signing_in(
    form: Page, signed_in: Client, live_url: str, large: Path, patches: list[int]
) -> None:
    mend = cut_at(form, CHUNK_BYTES)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    form.get_by_role("button", name="Pause").click()
    form.context.clear_cookies()
    form.get_by_role("button", name="Go on").click()
    expect(form.locator("[data-part=problem]")).to_contain_text("You are not signed in any more.")
    mend()
    carry_session(form, signed_in, live_url)
    form.goto(FORM)
    form.set_input_files("#file", large)
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE
    assert patches.count(0) == 1


def test_two_tabs_do_not_send_the_same_file(form: Page, large: Path, patches: list[int], complaints: list[str]) -> None:
    mend = cut_at(form, CHUNK_BYTES)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    other = form.context.new_page()
    other.goto(FORM)
    expect(other.locator("[data-interrupted]")).to_be_hidden()
    other.set_input_files("#file", large)
    expect(other.locator("[data-part=problem]")).to_have_text(
        "The same file is being uploaded in another tab of this browser."
    )
    expect(other.get_by_role("button", name="Cancel")).to_be_focused()
    assert offset() == CHUNK_BYTES
    mend()
    form.get_by_role("button", name="Pause").click()
    form.get_by_role("button", name="Go on").click()
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE
    other.close()


def at_second_request(form: Page, large: Path, patches: list[int]) -> Callable[[], None]:
    """Send a file in a page whose clock the test moves. The second request with bytes gets no answer; the others do."""
    form.clock.install()
    form.goto(FORM)
    mend = cut_at(form, CHUNK_BYTES)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    return mend


def is_sent_again(page: Page, patches: list[int]) -> bool:
    """Whether the second request was given up and repeated. Playwright hears of it while it waits for the page."""
    return bool(page.title()) and patches.count(CHUNK_BYTES) == 2


def test_after_the_computer_has_slept_the_upload_goes_on_at_once(
    form: Page, large: Path, patches: list[int], complaints: list[str]
) -> None:
    mend = at_second_request(form, large, patches)
    mend()
    form.clock.fast_forward(11_000)  # timers fire once, as after sleep
    wait_until(lambda: is_sent_again(form, patches), message="the second request is repeated")
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE


def test_a_connection_that_is_silent_for_a_minute_is_given_up(
    form: Page, large: Path, patches: list[int], complaints: list[str]
) -> None:
    mend = at_second_request(form, large, patches)
    mend()
    form.clock.run_for(50_000)
    assert patches == [0, CHUNK_BYTES]
    form.clock.run_for(12_000)
    wait_until(lambda: is_sent_again(form, patches), message="the second request is repeated")
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE


def test_an_upload_from_a_page_that_was_open_for_long_is_created_once(form: Page, large: Path) -> None:
    """Before the first byte, no connection is silent."""
    created: list[Route] = []
    form.route(re.compile("/api/uploads/resumable$"), lambda route: created.append(route))  # it stays under way
    form.clock.install()
    form.goto(FORM)
    form.clock.fast_forward(600_000)
    choose(form, large)
    form.get_by_role("button", name="Check first").click()
    wait_until(lambda: form.title() and created)
    form.clock.run_for(30_000)
    assert form.title()
    assert len(created) == 1
    created[0].continue_()
    assert file_of(arrived(form), Artifact.Role.SOURCE) == LARGE


def test_an_upload_whose_request_was_overtaken_goes_on(
    page: Page, signed_in: Client, live_url: str, large: Path
) -> None:
    """After a cut, Chromium repeats a request by itself: one of the two is overtaken, maybe the last."""
    with Proxy(live_url, holds_after=CHUNK_BYTES * 3 // 2) as proxy:
        carry_session(page, signed_in, proxy.url)
        page.goto(f"{proxy.url}{FORM}")
        choose(page, large)
        page.get_by_role("button", name="Check first").click()
        wait_until(lambda: page.title() and proxy.is_holding.is_set())
        assert page.evaluate(ASK_OFFSET, str(ResumableUpload.objects.get().pk)) == str(CHUNK_BYTES)
        proxy.go_on()
        assert file_of(arrived(page), Artifact.Role.SOURCE) == LARGE
