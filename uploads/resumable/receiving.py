"""Receive the body of one request into parts of a resumable upload."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from django.conf import settings

from jobs.http.parsers import RequestTimeoutError
from jobs.http.problems import ProblemError
from uploads.models import ResumableUpload
from uploads.resumable.checksums import Checksum
from uploads.resumable.parts import SMALL_PART_BYTES, PartFile, release_session, small_last_part


def receive_parts(upload: ResumableUpload, pieces: Iterable[bytes], checksum: Checksum | None) -> PartFile | None:
    """Store a body, and commit it part by part. The part that completes the file is closed, but left to the caller.

    If the client goes away or sends too slowly, what has arrived is committed, too. With a checksum, nothing is
    committed before the whole body has it. Raises the errors of `Pieces`, OvertakenError, PartLostError,
    StorageUnavailableError, and ProblemError (460) for a wrong checksum.
    """
    body = _Body(upload, is_whole_only=checksum is not None)
    release_session()
    try:
        try:
            for piece in pieces:
                body.write(piece)
                if checksum:
                    checksum.update(piece)
        except (ProblemError, RequestTimeoutError):
            if not checksum:
                body.commit()
            raise
        if checksum:
            checksum.require()
        if upload.offset_bytes < upload.length_bytes == body.end:
            return body.complete()
        body.commit()
    except BaseException:
        body.discard()
        raise
    return None


class _Body:
    """The part that is being written. It begins with the first piece that follows a commit."""

    def __init__(self, upload: ResumableUpload, *, is_whole_only: bool) -> None:
        self._upload = upload
        self._is_whole_only = is_whole_only
        self._absorbed = small_last_part(upload)
        self._file: PartFile | None = None
        self._began = 0.0

    @property
    def end(self) -> int:
        """The number of the byte that follows those that have arrived."""
        return self._file.end if self._file else self._upload.offset_bytes

    def write(self, piece: bytes) -> None:
        """Append a piece, and commit the part if it is due."""
        if self._file is None:
            self._file = PartFile(self._upload, absorbed=self._absorbed)
            self._absorbed, self._began = None, time.monotonic()
        self._file.write(piece)
        if self._is_due(self._file.part.size_bytes):
            self.commit()

    def _is_due(self, size: int) -> bool:
        if self._is_whole_only or self.end == self._upload.length_bytes:
            return False
        is_old = time.monotonic() - self._began >= settings.RESUMABLE_PART_SECONDS
        return size >= settings.RESUMABLE_PART_BYTES or (is_old and size >= SMALL_PART_BYTES)

    def commit(self) -> None:
        """Commit what has arrived."""
        if self._file is not None:
            self._file.close()
            self._file.commit()
            self._file = None

    def complete(self) -> PartFile | None:
        """Close the file without committing it."""
        if self._file is not None:
            self._file.close()
        return self._file

    def discard(self) -> None:
        """Delete what was not committed."""
        if self._file is not None:
            with suppress(Exception):
                self._file.discard()
