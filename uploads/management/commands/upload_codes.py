"""`manage.py upload_codes`: print the codes of errors in uploads as Markdown, or write them to docs/uploads.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from uploads.row_codes import ROW_CODES, Level

BEGIN: Final = "<!-- codes: written by `manage.py upload_codes --write docs/uploads.md` -->\n"
END: Final = "<!-- end of codes -->\n"
HEADINGS: Final[dict[Level, str]] = {
    "file": "Codes of a whole file",
    "record": "Codes of a row",
    "cell": "Codes of a cell",
    "warning": "Codes of warnings",
}


class Command(BaseCommand):
    help = "Print the codes of errors in uploads as Markdown tables."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", type=Path, metavar="FILE", help="replace the codes in this file")

    def handle(self, *, write: Path | None, **options: Any) -> None:
        """Raises CommandError if the file does not contain the two marks."""
        if write is None:
            self.stdout.write(codes())
            return
        text = write.read_text()
        if not (BEGIN in text and END in text):
            raise CommandError(f"{write} does not contain the lines {BEGIN!r} and {END!r}.")
        write.write_text(with_codes(text))


def with_codes(text: str) -> str:
    """The text with the current codes between the two marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}{codes()}{END}{rest.split(END)[1]}"


def codes() -> str:
    """The Markdown: one table per level."""
    return "".join(f"\n### {heading}\n\n{_table(level)}" for level, heading in HEADINGS.items()) + "\n"


def _table(level: Level) -> str:
    rows: list[tuple[Any, ...]] = [("code", "what it means", "what to do"), ("---",) * 3]
    rows += [(f"`{row.code}`", row.meaning, row.cure) for row in ROW_CODES.values() if row.level == level]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)
