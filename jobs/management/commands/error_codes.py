"""`manage.py error_codes`: print the catalogue of error codes as Markdown, or write it to docs/api.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.error_codes import Source, error_codes

BEGIN: Final = "<!-- error codes: written by `make openapi` -->\n"
END: Final = "<!-- end of error codes -->\n"


class Command(BaseCommand):
    help = "Print the catalogue of error codes as Markdown tables."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", type=Path, metavar="FILE", help="replace the catalogue in this file")
        parser.add_argument("--check", type=Path, metavar="FILE", help="fail if the one in this file is out of date")

    def handle(self, *, write: Path | None, check: Path | None, **options: Any) -> None:
        """Raises CommandError if the file does not contain the two marks, or is out of date."""
        for path in filter(None, (write, check)):
            text = path.read_text()
            if not (BEGIN in text and END in text):
                raise CommandError(f"{path} does not contain the lines {BEGIN!r} and {END!r}.")
            before, rest = text.split(BEGIN)
            current = f"{before}{BEGIN}{catalogue()}{END}{rest.split(END)[1]}"
            if path == write:
                path.write_text(current)
            elif current != text:
                raise CommandError(f"The error codes in {path} are out of date: run `make openapi`.")
        if not (write or check):
            self.stdout.write(catalogue())


def catalogue() -> str:
    """The Markdown: one table per source."""
    return "".join(f"\n### {source.heading}\n\n{_table(source)}" for source in Source) + "\n"


def _table(source: Source) -> str:
    rows = [("code", "status", "when", "what to do", "retry"), ("---",) * 5]
    rows += [(f"`{row.code}`", str(row.status), row.when, row.remedy, row.retry) for row in error_codes(source)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
