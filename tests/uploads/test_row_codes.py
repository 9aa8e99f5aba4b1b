"""Each code has a sentence for every set of facts, and none quotes a sensitive column."""

import ast
import re
from typing import Any, get_args

import pytest

from config.stack.datafolder import BASE_DIR
from uploads.row_codes import ROW_CODES, Level, cells, files, message_for, records, warnings

#: What makes an error or a warning about a file.
MAKERS = {"RecognitionError", "ScanError", "Warning", "Rule", "AmbiguousFormatError"}


def test_each_code_is_a_constant_with_a_kebab_case_code() -> None:
    modules = (files, records, cells, warnings)
    listed = [item for module in modules for item in vars(module).items() if item[0].isupper()]
    constants = dict(listed)
    assert len(constants) == len(listed)
    assert {name.lower().replace("_", "-"): value for name, value in constants.items()} == {
        code: code for code in ROW_CODES
    }
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in ROW_CODES)
    assert [code for code, row in ROW_CODES.items() if row.level not in get_args(Level)] == []


@pytest.mark.parametrize("code", ROW_CODES)
def test_a_message_can_be_made_without_facts_and_texts_are_sentences(code: str) -> None:
    row = ROW_CODES[code]
    assert message_for(code) == str(row.messages[-1])
    for text in map(str, (*row.messages, row.meaning, row.cure)):
        assert text.endswith((".", "%(message)s")), text
    assert not str(row.title).endswith(".")


def test_the_sentence_with_most_facts_wins() -> None:
    assert message_for("type-error", value="12,5", type="integer") == "“12,5” is not a whole number."
    assert message_for("type-error", value="today", type="date", format="%d.%m.%Y") == (
        "“today” is not a date in the format %d.%m.%Y."
    )
    assert message_for("out-of-range", value="40000", minimum=None, maximum=32767) == "“40000” is more than 32767."
    assert message_for("duplicate-in-file", line=17) == "The same key is in line 17."
    assert message_for("not-a-choice", value="x", choices=["web", "store"]) == "“x” is not one of: web, store."


@pytest.mark.parametrize("code", ROW_CODES)
def test_a_message_about_a_sensitive_column_does_not_quote_it(code: str) -> None:
    texts = [str(text) for text in ROW_CODES[code].messages]
    named = {name for text in texts for name in re.findall(r"%\((\w+)\)", text)} - {"message"}
    facts: dict[str, Any] = dict.fromkeys(named, "7") | {"value": "S3CRET"}
    assert "S3CRET" not in message_for(code, is_sensitive=True, **facts)
    if "value" in named:
        assert "S3CRET" in message_for(code, **facts)


def test_a_long_value_is_cut_and_control_characters_are_visible() -> None:
    message = message_for("type-error", value="a\nb\x00" + "x" * 1000, type="integer")
    assert message == f"“a␊b␀{'x' * 55}…” is not a whole number."


def test_each_code_that_the_source_names_is_documented() -> None:
    """The codes are the constant arguments in kebab case of the calls that make errors and warnings."""
    used = {
        argument.value
        for path in (*(BASE_DIR / "tabular").rglob("*.py"), *(BASE_DIR / "uploads").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in MAKERS
        for argument in call.args
        if isinstance(argument, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z]+)+", str(argument.value))
    }
    assert len(used) > 15
    assert used - ROW_CODES.keys() == set()


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        message_for("no-such-code")
