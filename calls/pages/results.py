"""The result of a call as its page shows it."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from jobs.errors import ArtifactError, StorageUnavailableError
from jobs.files.artifacts import open_artifact_range
from jobs.models import Artifact, Job

#: How much of a result the page shows. Characters; of a file, bytes.
MOST_SHOWN: Final = 64 * 1024


@dataclass(frozen=True)
class ShownResult:
    """The beginning of a result; `problem` says why there is none."""

    text: str = ""
    is_cut: bool = False
    problem: str = ""


def show_result(job: Job) -> ShownResult:
    """The result of a complete call. No query; a large result is read from its file."""
    if (artifact := job.result_artifact) is None:
        return _cut(_pretty((job.result or {}).get("value")))
    try:
        return _read(artifact)
    except StorageUnavailableError:
        return ShownResult(problem=gettext("The storage does not answer at the moment. Reload the page to try again."))
    except ArtifactError:
        return ShownResult(problem=gettext("The storage has lost this file, or a part of it. Order the call again."))


def _read(artifact: Artifact) -> ShownResult:
    size = min(artifact.size_bytes, MOST_SHOWN)
    with closing(open_artifact_range(artifact, first=0, last=size - 1)) as stored:
        text = b"".join(stored).decode(errors="replace")
    if size < artifact.size_bytes:
        return ShownResult(text, is_cut=True)
    with suppress(ValueError):
        text = _pretty(json.loads(text))
    return _cut(text)


def _pretty(value: object) -> str:
    # A file may have unpaired surrogates, which no response can have.
    return json.dumps(value, indent=2, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _cut(text: str) -> ShownResult:
    return ShownResult(text[:MOST_SHOWN], is_cut=len(text) > MOST_SHOWN)
