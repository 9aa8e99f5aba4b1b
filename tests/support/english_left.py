"""English that is left on a page in another language: texts with several words of the Latin alphabet in a row."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

#: A letter, then letters, apostrophes or hyphens; three of them with blanks or commas between them.
_ENGLISH: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:,? [A-Za-z][A-Za-z'’-]*){2,}")
#: A placeholder that nothing has filled.
_UNFILLED: Final = re.compile(r"%\(\w+\)")
#: Attributes that people read or hear.
_SPOKEN: Final = ("alt", "aria-label", "aria-description", "placeholder", "title")
#: Elements whose content is code, the words of users, or nothing that is shown.
_NO_PROSE: Final = ("code", "kbd", "pre", "samp", "script", "style", "template")
_VOID: Final = ("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")


def english_left(html: str) -> list[str]:
    """The texts of a page, and of its attributes that people read, with three English words in a row or a placeholder.

    Elements with `translate="no"` or `lang="en"` and code are left out.
    """
    page = _Page()
    page.feed(html)
    texts = (" ".join(text.split()) for text in page.texts)
    return [text for text in texts if _ENGLISH.search(text) or _UNFILLED.search(text)]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        skipped = self._skipped or tag in _NO_PROSE or given.get("translate") == "no" or given.get("lang") == "en"
        if not skipped:
            self.texts += [text for name in _SPOKEN if (text := given.get(name))]
            if tag == "input" and given.get("type") in ("submit", "button"):
                self.texts.append(given.get("value") or "")
        if tag not in _VOID:
            self._open.append((tag, skipped))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, _ = self._open.pop()
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)

    @property
    def _skipped(self) -> bool:
        return bool(self._open) and self._open[-1][1]
