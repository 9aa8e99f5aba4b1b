"""Pages on paper, in Chromium: what a person who prints a result, or saves it as PDF, gets."""

from typing import Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from jobs.sharing.links import create_link
from tests.support.accessible_pages import make_complete_report, make_uploads
from tests.support.axe import carry_session

pytestmark = pytest.mark.django_db(transaction=True)

#: A4 without its margins. CSS pixels.
PAPER: Final = {"width": 718, "height": 1000}
#: What only a screen can use, as far as it is visible.
CONTROLS: Final = """() => [...document.querySelectorAll(
      "nav, button, input, select, textarea, form, details:not([open]), .button"
    )]
    .filter((one) => one.checkVisibility() && one.getClientRects().length && !one.closest(".legend"))
    .map((one) => `${one.localName}#${one.id}.${one.className}: ${one.textContent.trim().slice(0, 40)}`)"""
#: Boxes that cut their content, or are wider than the paper.
CUT: Final = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, svg, canvas"))
    .filter((one) => {
      const style = getComputedStyle(one), box = one.getBoundingClientRect();
      const cuts = style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1
        || style.overflowY !== "visible" && one.scrollHeight > one.clientHeight + 1;
      return cuts || box.right > innerWidth + 1;
    }).map((one) => `${one.localName}.${one.className}`)"""
#: Texts whose color is too light for white paper: less than 4.5 to 1.
PALE: Final = """() => {
    const channel = (value) => (value /= 255) <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const light = (color) => {
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map(channel);
      return .2126 * red + .7152 * green + .0722 * blue;
    };
    return [...document.querySelectorAll("body *")]
      .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, svg"))
      .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .filter((one) => 1.05 / (light(getComputedStyle(one).color) + .05) < 4.5)
      .map((one) => `${one.localName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`);
  }"""


def test_a_result_is_printed_whole_in_ink_and_without_controls(
    page: Page, client: Client, owner: User, live_url: str, settings: Settings
) -> None:
    settings.SHARE_LINKS = True
    report, upload = make_complete_report(owner), make_uploads(owner)
    create_link(report.pk, creator=owner, days=7)
    client.force_login(owner)
    carry_session(page, client, live_url)
    page.set_viewport_size(PAPER)  # type: ignore[arg-type]
    page.emulate_media(media="screen", color_scheme="dark")
    for path in (reverse("report-detail", args=[report.pk]), reverse("upload-detail", args=[upload.pk])):
        page.goto(path)
        if path.startswith("/reports"):
            expect(page.locator("#chart-canvas canvas")).to_be_visible()  # the table comes with it
        assert page.evaluate(CONTROLS) != []
        page.emulate_media(media="print")
        assert {look: page.evaluate(look) for look in (CONTROLS, CUT, PALE)} == {CONTROLS: [], CUT: [], PALE: []}
        assert page.pdf(format="A4").startswith(b"%PDF")
        page.emulate_media(media="screen")
