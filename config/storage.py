"""Where artifacts are kept: `STORAGE_URL` as an entry of Django's `STORAGES`."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def artifact_storage(url: str) -> dict[str, Any]:
    """The `STORAGES` entry for a folder (`/path`, `file:///path`) or S3 (`s3://bucket/prefix?endpoint_url=…`).

    The query string of an `s3://` URL holds options of django-storages' S3Storage
    (https://django-storages.readthedocs.io/en/latest/backends/amazon-S3.html). boto3 reads credentials from the
    environment. Raises ImproperlyConfigured for another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return {"BACKEND": "jobs.files.storage.ArtifactFolder", "OPTIONS": {"location": unquote(parts.path)}}
    if parts.scheme == "s3":
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        options.update(bucket_name=parts.netloc, location=parts.path.strip("/"), default_acl=None, file_overwrite=True)
        return {"BACKEND": "jobs.files.object_storage.ArtifactBucket", "OPTIONS": options}
    raise ImproperlyConfigured(f"STORAGE_URL must be a folder or an s3:// URL, not {parts.scheme}://")
