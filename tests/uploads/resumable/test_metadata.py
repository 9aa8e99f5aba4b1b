"""`Upload-Metadata`, as stock clients write it, and as nobody should."""

import base64

import pytest
from rest_framework.exceptions import ValidationError

from jobs.http.problems import ProblemError
from uploads.resumable.metadata import order_of, read_metadata


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        (f"filename {encoded('品.csv')}", {"filename": "品.csv"}),
        (f"mode {encoded('partial')},filetype !!!, name", {"mode": "partial"}),
        ("plan", {"plan": ""}),
        ("plan ,delimiter ", {"plan": "", "delimiter": ""}),
        (f"  uploadType   {encoded('items')} ", {"uploadType": "items"}),
    ],
)
def test_known_keys_are_read_and_others_ignored(header: str, expected: dict[str, str]) -> None:
    assert read_metadata(header) == expected


@pytest.mark.parametrize(
    "header",
    ["filename !", "filename YQ", "filename /w==", "mode YQ==,mode YQ==", "x,x", ",", "mode YQ==,", "é YQ==", "name é"],
    ids=[
        "no base64",
        "no padding",
        "no UTF-8",
        "twice",
        "unknown twice",
        "empty",
        "empty at the end",
        "no ASCII",
        "no ASCII that is ignored",
    ],
)
def test_what_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_metadata(header)
    assert [error["pointer"] for error in refused.value.extensions["errors"]] == ["#/Upload-Metadata"]


def test_an_order_is_that_of_the_query_string() -> None:
    metadata = {"filename": "x", "uploadType": "items", "dryRun": "true", "callbackURL": "https://a.example/"}
    assert order_of(metadata) == {
        "uploadType": "items", "csv": {"encoding": None, "delimiter": None}, "mode": "atomic", "dryRun": True,
        "plan": None, "corrects": None, "callbackURL": "https://a.example/",
    }  # fmt: skip
    with pytest.raises(ValidationError):
        order_of({"filename": "x"})
