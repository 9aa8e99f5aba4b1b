"""The cell of reasons in an errors file, taken apart again: `Price: “x” is not a number.; The row …`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

#: What `uploads.ingest.error_report` puts between a heading and its sentence, and between sentences.
_AFTER_HEADING: Final = ": "
_BETWEEN: Final = "; "


def split_reasons(reasons: str, headings: Collection[str]) -> Iterator[tuple[str, str]]:
    """Heading and sentence of each reason; the heading is empty for a reason of the whole row.

    A sentence may quote a value in which the separator occurs, so a part that begins with no heading belongs to the
    sentence before it, unless that one is of the row, too.
    """
    heading, sentence = "", ""
    for index, part in enumerate(reasons.split(_BETWEEN)):
        found = next((one for one in headings if part.startswith(one + _AFTER_HEADING)), "")
        if index and not found:
            sentence += _BETWEEN + part
            continue
        if sentence:
            yield heading, sentence
        heading, sentence = found, part.removeprefix(found + _AFTER_HEADING) if found else part
    if sentence:
        yield heading, sentence
