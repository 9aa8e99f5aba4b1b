"""What a dry run would write: its samples, by heading, with the values before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from uploads.types import UploadType

#: So many samples are shown.
MOST_SAMPLES: Final = 10


@dataclass(frozen=True)
class Value:
    """A cell that changes. `before` is None for a new row."""

    heading: str
    before: str | None
    after: str


@dataclass(frozen=True)
class Change:
    """A row that would be written. `record` is its number in the file."""

    record: int
    is_new: bool
    values: list[Value]


def changes_of(members: Mapping[str, Any], upload_type: UploadType | None) -> Iterator[Change]:
    """The first rows that would change. `members` are those of the status, where secrets are hidden."""
    columns = upload_type.columns if upload_type else {}
    for sample in members.get("samples", ())[:MOST_SAMPLES]:
        before = sample.get("before")
        yield Change(
            sample["record"],
            sample["action"] == "insert",
            [
                Value(
                    columns[field].heading if field in columns else field,
                    None if before is None else _text(before.get(field)),
                    _text(after),
                )
                for field, after in sample["after"].items()
                # In a new row, fields without a value say nothing.
                if before is not None or after not in (None, "")
            ],
        )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
