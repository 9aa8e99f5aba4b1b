"""A user in Japan, whose spreadsheet writes and reads CP932."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from examples.sales.models import Customer
from examples.sales.seeding import seed_sales
from jobs.models import Artifact, Job, Preferences
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.fault import Fault
from tests.support.uploads import file_of

LONG = 60_000  # milliseconds
#: The spreadsheet would take what begins like this for a formula.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


@pytest.fixture
def page(fault: Fault, visit: Callable[..., Page]) -> Page:
    Preferences.objects.create(user=fault.owner, language="ja", time_zone="Asia/Tokyo")
    return visit(fault.owner)


def downloaded(page: Page, link: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    return download.value.path().read_bytes()


def in_cp932(text: str | None) -> str:
    """As the file shows it."""
    safe = f"'{text}" if text and text.startswith(FORMULA) else text or ""
    return safe.encode("cp932", "replace").decode("cp932")


def order(page: Page, report_type: str, **parameters: str) -> list[list[str]]:
    """The records of a report for Excel in Japan, with headings."""
    page.goto(f"/reports/new?type={report_type}")
    for name, value in parameters.items():
        page.locator(f"[name='parameters.{name}']").fill(value)
    page.get_by_role("radio", name="Excel（日本語）").check()
    page.get_by_role("button", name="依頼する", exact=True).click()
    expect(page.locator(".headline .badge")).to_have_text("完了", timeout=LONG)
    return list(csv.reader(io.StringIO(downloaded(page, "ダウンロード").decode("cp932"), newline="")))


def test_reports_for_excel_are_read_back_in_cp932(fault: Fault, page: Page) -> None:
    list(seed_sales(lines=1000, using="default"))
    Customer.objects.create(
        code="C-髙", name="株式会社髙﨑①", kana="ﾀｶｻｷ", country="JP", address="東京都𠮷祥寺〜1", notes="=1+1"
    )
    headings, *rows = order(page, "customers")
    columns = ("code", "name", "kana", "country", "address", "notes")
    shown = sorted([dict(zip(headings, row, strict=True))[column] for column in columns] for row in rows)
    expected = Customer.objects.values_list(*columns)
    assert shown == sorted([in_cp932(cell) for cell in customer] for customer in expected)
    assert ["C-髙", "株式会社髙﨑①", "ﾀｶｻｷ", "JP", "東京都?祥寺～1", "'=1+1"] in shown
    assert order(page, "yearly-sales", year="2023")[0][:3] == ["月", "カテゴリー", "注文数"]


def test_a_file_in_cp932_is_matched_rejected_and_mended_in_japanese(fault: Fault, page: Page) -> None:
    Tenant.objects.create(code=fault.owner.get_username())
    data = "品番,品名,価格\r\nA-1,ねじ①,1.50\r\nA-2,ナット,高い\r\n".encode("cp932")
    page.goto("/uploads/new?type=items")
    page.set_input_files("#file", {"name": "部品表.csv", "mimeType": "text/csv", "buffer": data})
    page.get_by_label("品名の列").select_option("Name")
    page.get_by_label("価格の列").select_option("Price")
    expect(page.locator("[data-recognized-says]")).to_have_text("必須の列はすべて見つかりました。")
    page.get_by_role("button", name="事前確認").click()
    expect(page.get_by_role("heading", name="1行にエラーがあります")).to_be_visible(timeout=LONG)
    expect(page.locator(".lead")).to_contain_text("部品表.csv")
    expect(page.locator(".samples code")).to_have_text("高い")
    page.get_by_role("button", name="正常な1行を書き込む").click()
    page.get_by_role("link", name="エラーの1行を修正").click(timeout=LONG)
    page.get_by_label("3行目の品名").fill("六角ナット㈱")
    page.get_by_label("3行目の価格").fill("0.20")
    page.get_by_role("button", name="修正した行をアップロード").click()
    expect(page.get_by_role("heading", name="ファイルの書き込みが完了しました")).to_be_visible(timeout=LONG)
    items = Item.objects.order_by("code").values_list("code", "name", "price")
    assert [(code, name, str(price)) for code, name, price in items] == [
        ("A-1", "ねじ①", "1.50"),
        ("A-2", "六角ナット㈱", "0.20"),
    ]
    mended = Job.objects.latest("created_at")
    assert file_of(mended, Artifact.Role.SOURCE).decode("cp932") == "品番,品名,価格\r\nA-2,六角ナット㈱,0.20\r\n"
    rejected = Job.objects.get(pk=mended.payload["corrects"])
    assert "A-2,ナット,高い" in file_of(rejected, Artifact.Role.ERRORS).decode("cp932")
