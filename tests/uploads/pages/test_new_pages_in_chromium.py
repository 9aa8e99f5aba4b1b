"""The script of the upload form, in Chromium."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from jobs.models import Artifact
from tests.support.axe import DESK_LIGHT, PHONE_DARK, Look, findings_here, set_look
from tests.support.upload_form import (
    CHUNK_BYTES,
    FORM,
    arrived,
    cut_at,
    second_is_under_way,
)
from tests.support.uploads import file_of
from tests.support.waiting import wait_until
from uploads.models import RememberedHeading

pytestmark = pytest.mark.django_db(transaction=True)

DROP = """text => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([text], "rows.csv", { type: "text/csv" }));
    const zone = document.querySelector("[data-dropzone]");
    zone.dispatchEvent(new DragEvent("dragover", { dataTransfer: dropped, bubbles: true, cancelable: true }));
    zone.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
}"""


def test_a_dropped_file_is_described_matched_sent_and_remembered(form: Page, complaints: list[str]) -> None:
    form.evaluate(DROP, "Code,Name,Cost\nA-1,Bolt,1.50\n")
    expect(form.locator("[data-recognized-says]")).to_have_text("The columns of the file do not fit yet.")
    expect(form.locator(".recognized .notice").first).to_contain_text("This required column is missing: Price")
    form.get_by_role("button", name="Upload", exact=True).click()
    expect(form.locator("[data-doubt]")).to_be_focused()
    cost = form.get_by_label("Column for Cost")
    cost.focus()
    cost.select_option("Price")
    expect(form.locator("[data-recognized-says]")).to_have_text("All required columns were found.")
    expect(cost).to_be_focused()
    form.get_by_role("button", name="Upload", exact=True).click()
    job = arrived(form)
    assert (job.payload["csv"]["headings"], job.payload["dryRun"]) == ({"Cost": "Price"}, False)
    assert file_of(job, Artifact.Role.SOURCE) == b"Code,Name,Cost\nA-1,Bolt,1.50\n"
    assert RememberedHeading.objects.get().heading == "cost"
    form.goto(FORM)
    form.evaluate(DROP, "Code,Name,COST\nA-1,Bolt,1.50\n")
    expect(form.get_by_text("As for your earlier file")).to_be_visible()
    expect(form.get_by_label("Column for COST")).to_have_value("Price")


def test_a_click_right_after_the_last_column_is_matched_sends_the_file(form: Page) -> None:
    """The description of the file is that of before, until the answer is there."""
    form.evaluate(DROP, "Code,Name,Cost\nA-1,Bolt,1.50\n")
    expect(form.locator("[data-recognized-says]")).to_have_text("The columns of the file do not fit yet.")
    held: list[Route] = []
    form.route(re.compile("/uploads/recognize"), lambda route: held.append(route))
    form.get_by_label("Column for Cost").select_option("Price")
    form.get_by_role("button", name="Upload", exact=True).click()
    wait_until(lambda: form.title() and held)
    expect(form.locator("[data-doubt]")).to_be_hidden()
    held[0].continue_()
    assert arrived(form).payload["csv"]["headings"] == {"Cost": "Price"}


def test_another_encoding_is_asked_for_again(form: Page, tmp_path: Path, complaints: list[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("Code,Name,Price\nA,ねじ,1\n".encode("cp932"))
    form.set_input_files("#file", path)
    expect(form.locator(".recognized")).to_contain_text("ねじ")
    form.get_by_text("How the file is read").click()
    form.get_by_label("Encoding").select_option("cp1252")
    expect(form.locator(".recognized")).to_contain_text("Windows-1252 (Western Europe) (Chosen by you)")


@pytest.mark.parametrize("look", [DESK_LIGHT, PHONE_DARK])
def test_axe_has_no_findings_on_the_way(form: Page, large: Path, patches: list[int], look: Look) -> None:
    set_look(form, look)
    form.evaluate(DROP, "Code,Name,Cost\nA-1,Bolt,1.50\n")
    expect(form.locator(".recognized")).to_be_visible()
    form.get_by_role("button", name="Upload", exact=True).click()
    expect(form.locator("[data-doubt]")).to_be_focused()
    assert findings_here(form) == []
    cut_at(form, CHUNK_BYTES)
    form.set_input_files("#file", large)
    expect(form.locator("[data-recognized-says]")).to_have_text("All required columns were found.")
    form.get_by_role("button", name="Check first").click()
    second_is_under_way(form, patches)
    assert findings_here(form) == []
    form.get_by_role("button", name="Pause").click()
    form.context.clear_cookies()
    form.get_by_role("button", name="Go on").click()
    expect(form.locator("[data-part=problem]")).to_be_visible()
    assert findings_here(form) == []
