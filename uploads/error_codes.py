"""The error codes of uploads, for the catalog."""

from __future__ import annotations

from typing import Final

from jobs.error_codes import ErrorCode, Retry
from uploads.row_codes import ROW_CODES

OF_RESPONSES: Final = [
    ErrorCode(
        "unknown-upload-type", 400, "Unknown upload type",
        "`uploadType` does not exist, or you may not upload it.",
        "Use one of `uploadTypes`.", Retry.CHANGED,
    ),
    ErrorCode(
        "incomplete-body", 400, "Incomplete body",
        "The connection ended before the whole body had arrived. Only a resumable upload keeps what has arrived.",
        "Send the file again, or go on with a resumable upload at its `Upload-Offset`.", Retry.YES,
    ),
    ErrorCode(
        "invalid-coding", 400, "Invalid content coding",
        "The body is damaged, is cut short or goes on after its end, so it cannot be decoded as its `Content-Encoding` "
        "says.",
        "Compress the file again, and send it.", Retry.CHANGED,
    ),
    ErrorCode(
        "digest-mismatch", 400, "Digest mismatch",
        "The SHA-256 in `Content-Digest` or `Repr-Digest` is not that of the body.",
        "Send the file again. The digest is of the bytes that are sent, that is, of the compressed ones.", Retry.YES,
    ),
    ErrorCode(
        "not-complete", 409, "Not complete",
        "The upload has not ended, has failed or was canceled, so there is nothing to undo.",
        "Wait until it is complete.", Retry.CHANGED,
    ),
    ErrorCode(
        "already-undone", 409, "Already undone",
        "The upload is being undone, or was undone, by the upload in `undoneBy`.",
        "See its status.", Retry.NO,
    ),
    ErrorCode(
        "nothing-to-undo", 409, "Nothing to undo",
        "The upload has written no row: it was a dry run, or all its rows were unchanged.",
        "Nothing needs to be done.", Retry.NO,
    ),
    ErrorCode(
        "not-undoable", 409, "Not undoable",
        "The upload is an undo itself, or its table gives new rows no primary key that could be known.",
        "Upload a file with the values that you want.", Retry.NO,
    ),
    ErrorCode(
        "overtaken", 409, "Overtaken",
        "Another request has gone on with the resumable upload, or has deleted it, while this one was sending.",
        "Let only one client send a file. Ask for the `Upload-Offset` with HEAD, and go on there.", Retry.CHANGED,
    ),
    ErrorCode(
        "wrong-offset", 409, "Wrong offset",
        "`Upload-Offset` is not where the stored bytes of the resumable upload end.",
        "Ask for the `Upload-Offset` with HEAD, and go on there.", Retry.CHANGED,
    ),
    ErrorCode(
        "unsupported-tus-version", 412, "Unsupported version of tus",
        "`Tus-Resumable` is missing, or is not one of `Tus-Version`.",
        "Send `Tus-Resumable: 1.0.0`.", Retry.CHANGED,
    ),
    ErrorCode(
        "upload-locked", 423, "Upload locked",
        "All bytes of the resumable upload have arrived, and another request is putting them together.",
        "Ask again with HEAD: it has the `Location` of the status, once the file is complete.", Retry.AFTER,
    ),
    ErrorCode(
        "too-many-resumable-uploads", 429, "Too many resumable uploads",
        "You have as many unfinished resumable uploads as one user may have.",
        "Finish or delete one; those without progress expire.", Retry.AFTER,
    ),
    ErrorCode(
        "checksum-mismatch", 460, "Checksum mismatch",
        "The bytes of the request do not have the checksum in `Upload-Checksum`. None of them was kept.",
        "Send them again at the same `Upload-Offset`.", Retry.YES,
    ),
    ErrorCode(
        "too-many-uploads", 503, "Too many uploads",
        "The server is receiving as many files as it can at once, or as many of yours.",
        "Send the file again.", Retry.AFTER,
    ),
]  # fmt: skip

#: The codes of `uploads.row_codes` that refuse a whole file, and those of the pipeline itself.
OF_JOBS: Final = [
    *(
        ErrorCode(code.code, 422, str(code.title), str(code.meaning), str(code.cure), Retry.CHANGED)
        for code in ROW_CODES.values()
        if code.level == "file"
    ),
    ErrorCode(
        "unknown-upload-type", 422, "Unknown upload type",
        "The upload type no longer exists, or you may no longer use it.",
        "Use another upload type.", Retry.NO,
    ),
    ErrorCode(
        "source-expired", 422, "File expired",
        "The uploaded file was deleted after its retention time, so the upload cannot be retried.",
        "Upload the file again.", Retry.CHANGED,
    ),
    ErrorCode(
        "already-undone", 422, "Already undone",
        "The upload was undone by another job.",
        "Nothing needs to be done.", Retry.NO,
    ),
    ErrorCode(
        "images-expired", 422, "Undo expired",
        "The old values of the rows were deleted after their retention time, so the upload can no longer be undone.",
        "Upload a file with the values that you want.", Retry.CHANGED,
    ),
    ErrorCode(
        "images-lost", 422, "Undo lost",
        "The storage has lost the old values of the rows, so the upload can no longer be undone.",
        "Upload a file with the values that you want.", Retry.CHANGED,
    ),
    ErrorCode(
        "table-changed", 422, "Table changed",
        "The columns of the table were changed since the upload, so it can no longer be undone.",
        "Upload a file with the values that you want.", Retry.CHANGED,
    ),
    ErrorCode(
        "wrong-sum", 422, "Rows do not add up",
        "The numbers of rows or bytes do not add up, so nothing was written: an error of Longhaul or of a trigger of "
        "the table.",
        "Tell the administrators.", Retry.NO,
    ),
]  # fmt: skip
