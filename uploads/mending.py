"""Mended rows of an upload that has written nothing: its whole file is uploaded again, with these rows in it.

The new upload takes the stored file over, and its order has the mended cells (`mended` in the payload). Its first
attempt puts them into the file (`uploads.ingest.mending`): a request would take minutes for a file of gigabytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from jobs.models import Job
from jobs.payloads.masking import is_sensitive
from jobs.payloads.sealing import seal, unseal
from tabular.replacing import Changes

#: The member of `mended` that has the cells, sealed because some columns are secret; None once they are in the file.
CELLS: Final = "secretCells"


@dataclass(frozen=True)
class MendedRows:
    """`changes` by the lines of the file, which is read in this encoding and with this delimiter."""

    encoding: str
    delimiter: str
    changes: Changes

    def to_payload(self) -> dict[str, Any]:
        """The member `mended` of the payload."""
        cells = {str(line): change and dict(change) for line, change in self.changes.items()}
        return sealed({"encoding": self.encoding, "delimiter": self.delimiter, CELLS: cells})

    @classmethod
    def pending_in(cls, payload: Mapping[str, Any]) -> MendedRows | None:
        """Those that are not in the file yet, if any. Raises SecretUnreadableError."""
        mended = payload.get("mended")
        if not mended or mended[CELLS] is None:
            return None
        changes = {
            int(line): None if change is None else {int(column): text for column, text in change.items()}
            for line, change in unseal(mended[CELLS]).items()
        }
        return cls(mended["encoding"], mended["delimiter"], changes)


def sealed(mended: dict[str, Any]) -> dict[str, Any]:
    """The member `mended` as it is stored."""
    result: dict[str, Any] = seal(mended, is_sensitive)
    return result


def is_unwritten(upload: Job) -> bool:
    """Whether an ended upload has written none of its rows."""
    written: Mapping[str, Any] = (upload.result or {}).get("upload") or {}
    return written.get("phase") != "merged"


def mended_name(upload: Job) -> str:
    """The name of the mended file of an upload."""
    name = PurePath(upload.payload["file"]["filename"])
    return f"{name.stem.removesuffix('-mended')}-mended{name.suffix}"
