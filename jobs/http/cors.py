"""The headers that scripts of other origins may send and read: settings for django-cors-headers."""

from typing import Final

from corsheaders.defaults import default_headers

ALLOWED_FIELDS: Final = (
    *default_headers,
    "content-digest",
    "content-disposition",
    "content-encoding",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "prefer",
    "range",
    "repr-digest",
    # tus
    "tus-resumable",
    "upload-checksum",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-http-method-override",
    "x-request-id",
)
#: The response headers that clients need and the Fetch standard does not safelist.
EXPOSED_FIELDS: Final = (
    "Accept-Ranges",
    "Allow",
    "Call-Reused",
    "Content-Disposition",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Operation-Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Report-Reused",
    "Repr-Digest",
    "Retry-After",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "Upload-Repeated",
    "WWW-Authenticate",
)
