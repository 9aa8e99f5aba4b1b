"""The catalogs of translations: compares them with the texts of the sources, or writes them.

`python -m tests.support.translations` fails if a text is missing, not translated or fuzzy, or if the compiled catalog
is out of date; `make check` runs it. With `--write`, it brings `locale/` up to date; `make messages` runs that.
It needs the programs of GNU gettext.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from contextlib import chdir
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import django
import polib
from django.core.management import call_command

ROOT: Final = Path(__file__).resolve().parents[2]
LOCALE: Final = "locale"
SOURCES: Final = ("calls", "config", "examples", "jobs", "reports", "tabular", "templates", "uploads", LOCALE)
LANGUAGES: Final = ("ja",)


def made_again(folder: Path) -> None:
    """Copy the sources and the catalogs into `folder`, and bring its catalogs up to date."""
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    with chdir(folder):
        options = {"locale": list(LANGUAGES), "no_location": True, "no_obsolete": True, "verbosity": 0}
        call_command("makemessages", extensions=["html", "py", "txt"], **options)
        call_command("compilemessages", locale=list(LANGUAGES), verbosity=0)


def shortcomings(folder: Path) -> list[str]:
    """What is wrong with the catalogs of the repository, given those that `made_again` has made. One line each."""
    found: list[str] = []
    for language in LANGUAGES:
        known, made = (catalog(root, language, "po") for root in (ROOT, folder))
        counted = [entry for entry in made if entry.msgid_plural and not entry.msgctxt]
        mixed = [entry.msgid for entry in counted if has_other_use(entry.msgid, entry.msgid_plural)]
        found += [f"{language}: {text!r} has a plural, and is also used without it or with another" for text in mixed]
        missing = [*made.untranslated_entries(), *made.fuzzy_entries()]
        found += [f"{language}: not translated: {entry.msgid!r}" for entry in missing]
        if texts(known) != texts(made) or texts(catalog(ROOT, language, "mo")) != texts(
            catalog(folder, language, "mo")
        ):
            found.append(f"{language}: the catalog is out of date: run `make messages`, and translate what is new")
    return found


def has_other_use(text: str, plural: str) -> bool:
    """Whether the sources use `text` without its plural. A catalog has one entry for both, with a number."""
    alone = rf"(?:\b(?:_|gettext|gettext_lazy|gettext_noop)\(|\{{% translate )\s*\"{re.escape(text)}\""
    other = rf"\bngettext(?:_lazy)?\(\s*\"{re.escape(text)}\",\s*\"(?!{re.escape(plural)}\")"
    return re.search(f"{alone}|{other}", all_sources()) is not None


@cache
def all_sources() -> str:
    """The text of all modules and templates that `makemessages` reads."""
    paths = (path for name in SOURCES for path in (ROOT / name).rglob("*") if path.suffix in (".py", ".html", ".txt"))
    return "\n".join(path.read_text() for path in paths)


def catalog(root: Path, language: str, kind: Literal["po", "mo"]) -> Any:
    """A catalog as polib reads it."""
    path = str(root / LOCALE / language / "LC_MESSAGES" / f"django.{kind}")
    return polib.pofile(path) if kind == "po" else polib.mofile(path)


def texts(known: Any) -> set[tuple[object, ...]]:
    """The entries of a catalog, without their places and comments."""
    return {
        (entry.msgctxt, entry.msgid, entry.msgid_plural, entry.msgstr, *sorted(entry.msgstr_plural.items()))
        for entry in known
    }


def main() -> int:
    """The exit status: 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="bring locale/ up to date")
    write = parser.parse_args().write
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with TemporaryDirectory() as scratch:
        made_again(Path(scratch))
        if write:
            shutil.copytree(Path(scratch) / LOCALE, ROOT / LOCALE, dirs_exist_ok=True)
        found = shortcomings(Path(scratch))
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
