"""The reasons of an errors file, taken apart again."""

import pytest

from uploads.pages.reason_texts import split_reasons


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ("", []),
        ("Price: “x” is not a number.", [("Price", "“x” is not a number.")]),
        ("Code: Empty.; Price: Wrong.", [("Code", "Empty."), ("Price", "Wrong.")]),
        ("The row is too short.; Price: Wrong.", [("", "The row is too short."), ("Price", "Wrong.")]),
        ("Price: “a; b” is wrong.; Code: Empty.", [("Price", "“a; b” is wrong."), ("Code", "Empty.")]),
        ("Other: Wrong.", [("", "Other: Wrong.")]),
    ],
)
def test_each_sentence_goes_to_its_heading(reasons: str, expected: list[tuple[str, str]]) -> None:
    assert list(split_reasons(reasons, ["Code", "Price"])) == expected
