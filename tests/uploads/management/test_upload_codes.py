"""docs/uploads.md lists each code, and the command keeps it so."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.stack.datafolder import BASE_DIR
from uploads.management.commands.upload_codes import BEGIN, END, with_codes
from uploads.row_codes import ROW_CODES

DOCUMENT = BASE_DIR / "docs" / "uploads.md"


def test_the_documentation_has_the_current_codes() -> None:
    text = DOCUMENT.read_text()
    assert with_codes(text) == text, "run `manage.py upload_codes --write docs/uploads.md`"
    assert [code for code in ROW_CODES if f"| `{code}` |" not in text] == []


def test_the_codes_are_printed_or_written_between_the_marks(tmp_path: Path) -> None:
    printed = StringIO()
    call_command("upload_codes", stdout=printed)
    document = tmp_path / "uploads.md"
    document.write_text(f"before\n{BEGIN}old\n{END}after\n")
    call_command("upload_codes", write=document)
    assert document.read_text() == f"before\n{BEGIN}{printed.getvalue()}{END}after\n"


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "uploads.md"
    document.write_text("nothing\n")
    with pytest.raises(CommandError, match="does not contain"):
        call_command("upload_codes", write=document)
    assert document.read_text() == "nothing\n"
