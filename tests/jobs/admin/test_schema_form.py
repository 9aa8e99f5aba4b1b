"""A payload in a form, and read back."""

from typing import Any

import pytest

from jobs.admin.schema_form import PayloadForm

SCHEMA: dict[str, Any] = {
    "properties": {
        "year": {"type": "integer"},
        "size": {"enum": [1, 2, None]},
        "csv": {"properties": {"safe": {"type": "boolean"}, "delimiter": {"type": "string"}}},
        "pin": {"type": "integer"},
        "password": {"type": ["string", "null"]},
        "mode": {"type": "string", "enum": ["a", "b"]},
        "made": {"type": "string", "readOnly": True},
        "rows": {"type": "array"},
    }
}
VALUE: dict[str, Any] = {
    "year": 2023, "size": 1, "csv": {"safe": True, "delimiter": ";"}, "pin": "***", "password": "***", "mode": "***",
    "made": "today", "unknown": 1, "rows": [1],
}  # fmt: skip
SENT = {
    "year": "2023", "size": "1", "csv/safe": "on", "csv/delimiter": ";", "password": "***", "rows": "[1]",
}  # fmt: skip


FORM: dict[str, Any] = {"value": VALUE, "schema": SCHEMA}


def read(**sent: str) -> Any:
    form = PayloadForm({**SENT, **{name.replace("__", "/"): value for name, value in sent.items()}}, **FORM)
    assert form.is_valid(), form.errors
    return form.payload()


def test_what_nobody_changed_stays_as_it_was() -> None:
    assert read() == VALUE


def test_a_secret_that_is_no_plain_text_has_no_field() -> None:
    assert set(PayloadForm(**FORM).fields) == {"year", "size", "csv/safe", "csv/delimiter", "password", "rows"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"year": "2024"}, {"year": 2024}),
        ({"size": "2"}, {"size": 2}),
        ({"csv__delimiter": "\t"}, {"csv": {"safe": True, "delimiter": "\t"}}),
        ({"csv__safe": "false"}, {"csv": {"safe": False, "delimiter": ";"}}),
        ({"rows": '[1, "x"]'}, {"rows": [1, "x"]}),
        ({"password": "new"}, {"password": "new"}),
    ],
)
def test_a_change_has_the_type_that_the_schema_says(sent: dict[str, str], expected: dict[str, Any]) -> None:
    assert read(**sent) == {**VALUE, **expected}


@pytest.mark.parametrize("name", ["year", "size", "rows"])
def test_what_is_emptied_is_left_out(name: str) -> None:
    assert read(**{name: ""}) == {key: value for key, value in VALUE.items() if key != name}


@pytest.mark.parametrize(("name", "text"), [("year", "x"), ("size", "3"), ("rows", "[")])
def test_what_does_not_fit_is_refused_beside_its_field(name: str, text: str) -> None:
    assert set(PayloadForm({**SENT, name: text}, **FORM).errors) == {name}


def test_without_a_schema_the_payload_is_one_field_of_json() -> None:
    form = PayloadForm({"payload": '{"a": [2]}'}, value={"a": 1})
    assert form.is_valid()
    assert form.payload() == {"a": [2]}


def test_a_complaint_stands_beside_the_field_that_it_is_about() -> None:
    form = PayloadForm(SENT, **FORM)
    form.add_payload_errors([{"pointer": "/csv/safe", "detail": "No."}, {"pointer": "/made", "detail": "Why?"}])
    assert form.errors == {"csv/safe": ["No."], "__all__": ["/made: Why?"]}
