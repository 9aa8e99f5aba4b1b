"""The order form and the catalogue as people use them, with a keyboard, in a real Chromium."""

import csv
import io
from contextlib import closing

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from examples.sales.models import Customer, Product
from examples.sales.seeding import seed_sales
from jobs.models import Job, SavedOrder
from tests.support.axe import carry_session, findings_here
from tests.support.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)


def move(page: Page, heading: str, direction: str) -> None:
    page.get_by_role("button", name=f"Move {heading} {direction}", exact=True).press("Enter")


def test_columns_are_chosen_and_moved_with_the_keyboard(ada_page: Page, complaints: list[str]) -> None:
    ada_page.goto("/reports/new?type=yearly-sales")
    ada_page.get_by_role("spinbutton", name="Year").fill("2023")
    ada_page.locator("summary").get_by_text("Columns").press("Enter")
    ada_page.get_by_role("button", name="Untick all").press("Enter")
    for heading in ("Units", "Month"):
        ada_page.get_by_label(heading, exact=True).check()
    for _ in range(3):
        move(ada_page, "Units", "up")
    expect(ada_page.get_by_role("button", name="Move Units up", exact=True)).to_be_hidden()
    move(ada_page, "Units", "down")
    expect(ada_page.locator("[data-moved]")).to_have_text("Units is now number 2.")
    expect(ada_page.get_by_role("button", name="Move Units down", exact=True)).to_be_focused()
    move(ada_page, "Month", "down")
    assert findings_here(ada_page) == []
    ada_page.get_by_role("button", name="Order", exact=True).click()
    expect(ada_page).not_to_have_title("Yearly sales – Longhaul")
    assert Job.objects.get().payload["columns"] == ["Units", "Month"]


def test_moving_alone_is_a_choice(ada_page: Page, complaints: list[str]) -> None:
    ada_page.goto("/reports/new?type=yearly-sales")
    ada_page.get_by_role("spinbutton", name="Year").fill("2023")
    ada_page.get_by_text("all, in their usual order").click()
    move(ada_page, "Month", "down")
    ada_page.get_by_role("button", name="Order", exact=True).click()
    expect(ada_page).not_to_have_title("Yearly sales – Longhaul")
    assert Job.objects.get().payload["columns"][:3] == ["Category", "Month", "Orders"]


def test_the_catalogue_is_filtered_while_somebody_types(ada_page: Page, complaints: list[str]) -> None:
    ada_page.goto("/reports/new")
    search = ada_page.get_by_label("Search report types")
    search.press_sequentially("order cat")
    links = ada_page.locator("#catalogue").get_by_role("link")
    expect(links).to_have_text(["Order lines", "Yearly sales"])
    search.fill("nothing")
    expect(ada_page.get_by_role("status").get_by_text("No report type matches this search.")).to_be_visible()
    search.fill("")
    expect(links).to_have_count(3)


def test_an_order_is_saved_and_ordered_by_one_click(ada_page: Page, complaints: list[str]) -> None:
    ada_page.goto("/reports/new?type=yearly-sales")
    ada_page.get_by_role("spinbutton", name="Year").fill("2022")
    ada_page.get_by_text("Save as…").press("Enter")
    ada_page.get_by_label("Name of the saved order").fill("Last year")
    assert findings_here(ada_page) == []
    ada_page.get_by_label("Name of the saved order").press("Enter")  # not the first button of the form
    expect(ada_page.get_by_role("status").get_by_text("Saved as “Last year”.")).to_be_visible()
    assert (SavedOrder.objects.count(), Job.objects.count()) == (1, 0)
    assert findings_here(ada_page) == []
    ada_page.get_by_role("button", name="Order “Last year” now").click()
    expect(ada_page.get_by_role("heading", level=1, name="Yearly sales")).to_be_visible()
    ada_page.goto("/reports/new")
    ada_page.get_by_role("button", name="Order “Last year” now").click()
    expect(ada_page.get_by_role("heading", level=1, name="You already have this report")).to_be_visible()
    assert findings_here(ada_page) == []
    ada_page.get_by_role("link", name="Use this one").click()
    expect(ada_page).to_have_url(f"/reports/{Job.objects.get().pk}")
    ada_page.set_viewport_size({"width": 390, "height": 844})
    ada_page.goto("/reports/new")
    ada_page.get_by_label("More for “Last year”").click()
    ada_page.get_by_text("Delete…").click()
    assert findings_here(ada_page) == []
    assert SavedOrder.objects.count() == 1
    ada_page.get_by_role("button", name="Delete permanently").click()
    expect(ada_page.get_by_role("status").get_by_text("Deleted the saved order “Last year”.")).to_be_visible()


def test_excel_in_japan_reads_the_file(stack: Stack, ada_page: Page, complaints: list[str]) -> None:
    list(seed_sales(lines=1000, using="default"))
    Customer.objects.update(name="髙橋商店 😀")
    ada_page.goto("/reports/new?type=customers")
    expect(ada_page.get_by_label("Encoding", exact=True)).to_be_hidden()
    ada_page.get_by_role("radio", name="Custom").check()
    expect(ada_page.get_by_label("Encoding", exact=True)).to_be_visible()
    ada_page.get_by_label("Excel (Japanese)").check()
    expect(ada_page.get_by_label("Encoding", exact=True)).to_be_hidden()
    ada_page.get_by_role("button", name="Order", exact=True).click()
    expect(ada_page.locator(".badge").first).to_have_text("Complete", timeout=30_000)
    artifact = Job.objects.with_result().get().result_artifact
    assert artifact is not None
    with storages["artifacts"].open(artifact.storage_name) as file:
        rows = list(csv.reader(io.StringIO(file.read().decode("cp932"), newline="")))
    assert {row[1] for row in rows[1:]} == {"髙橋商店 ?"}
    assert len(rows) == Customer.objects.count() + 1


def test_rows_are_searched_and_chosen_with_the_keyboard(
    page: Page, client: Client, complaints: list[str], live_url: str
) -> None:
    client.force_login(User.objects.create_user("faults"))
    carry_session(page, client, live_url)
    customers = Customer.objects.bulk_create(
        Customer(pk=1000 + number, code=f"C{number}", name=f"Shop {number}", country="JP", address="x")
        for number in range(300)
    )
    for sku in ("A-1", "B-2"):
        Product.objects.create(sku=sku, name=f"Part {sku}", category="Parts", list_price=1)
    page.goto("/reports/new?type=orders-of-a-customer")
    customer, product = page.get_by_role("combobox", name="Customer"), page.get_by_role("combobox", name="Product")
    expect(customer).to_have_accessible_description("A name, or a code.")
    options = page.get_by_role("option")

    customer.press_sequentially("shop 12")
    expect(options).to_have_count(13)
    expect(customer).to_have_attribute("aria-expanded", "true")
    assert findings_here(page) == []
    customer.press("ArrowDown")
    customer.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_have_text(str(customers[112]))
    customer.press("Escape")
    expect(options).to_have_count(0)
    customer.press("ArrowDown")
    expect(options).to_have_count(13)
    customer.press("ArrowDown")
    customer.press("Enter")
    expect(customer).to_have_value(str(customers[12]))

    product.press_sequentially("b-2")
    page.get_by_role("option").click()
    expect(product).to_have_value("B-2 Part B-2")
    product.press_sequentially("what is not chosen is no value")
    product.press("Tab")
    expect(product).to_have_value("B-2 Part B-2")

    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.locator(".badge").first).to_be_visible()
    job = Job.objects.get()
    assert job.payload["parameters"] == {"customer": customers[12].pk, "product": "B-2"}

    page.goto(f"/reports/new?like={job.pk}")
    expect(customer).to_have_value(str(customers[12]))
    product.fill("")
    product.press("Tab")
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.locator(".badge").first).to_be_visible()
    assert Job.objects.order_by("-pk")[0].payload["parameters"] == {"customer": customers[12].pk}


def test_without_a_script_the_form_has_a_list_and_an_input(browser: Browser, client: Client, live_url: str) -> None:
    client.force_login(User.objects.create_user("faults"))
    Customer.objects.bulk_create(
        Customer(pk=1000 + number, code=f"C{number}", name=f"Shop {number}", country="JP", address="x")
        for number in range(300)
    )
    Product.objects.create(sku="A-1", name="Bolt", category="Parts", list_price=1)
    chosen = Customer.objects.all()[7]
    with closing(browser.new_context(base_url=live_url, java_script_enabled=False)) as context:
        page = context.new_page()
        carry_session(page, client, live_url)
        page.goto("/reports/new?type=orders-of-a-customer")
        expect(page.get_by_role("combobox", name="Customer")).to_have_count(0)
        page.get_by_role("textbox", name="Customer").fill(str(chosen.pk))
        page.get_by_role("combobox", name="Product").select_option("A-1")
        page.get_by_role("button", name="Order", exact=True).click()
        expect(page.locator(".badge").first).to_be_visible()
    assert Job.objects.get().payload["parameters"] == {"customer": chosen.pk, "product": "A-1"}


def test_three_clicks_from_the_start_page(ada_page: Page, complaints: list[str]) -> None:
    ada_page.goto("/")
    ada_page.get_by_role("main").get_by_role("link", name="Order a report").click()
    ada_page.get_by_role("link", name="Customers").click()
    ada_page.get_by_role("button", name="Order", exact=True).click()
    expect(ada_page.get_by_role("heading", level=1, name="Customers")).to_be_visible()
    expect(ada_page).not_to_have_url("/reports/new?type=customers")
    assert Job.objects.count() == 1
