"""Read the order of a job again when it is run: its type may have changed since, or be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from rest_framework.exceptions import ValidationError

from jobs.errors import PermanentError
from jobs.http.problems import pointers
from jobs.models import Job
from jobs.payloads.masking import is_sensitive
from jobs.types.base import JobType
from jobs.types.ordering import Ordering
from jobs.types.registry import UnknownTypeError

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

T = TypeVar("T", bound=JobType)


def reopen_to_run(ordering: Ordering[T], job: Job, *, code: str) -> tuple[T, dict[str, Any]]:
    """The type and the parameters of a job, validated again. Raises PermanentError if they are no longer accepted.

    `code` is that of the error if the type is gone.
    """
    kind, member = ordering.types.kind, ordering.types.member
    try:
        return ordering.reopen_order(job.payload, cast("AbstractBaseUser", job.owner))
    except UnknownTypeError:
        raise PermanentError(
            f"The {kind} type {job.payload[member]} no longer exists, or the owner may no longer order it.",
            code=code,
        ) from None
    except ValidationError as error:
        detail = f"The parameters are no longer valid. {in_words(error)}"
        raise PermanentError(detail, code="invalid-parameters") from None


def in_words(error: ValidationError) -> str:
    """`year: This field is required.` A secret's name comes last: redaction masks what follows `password:`."""
    words = []
    for mistake in pointers(error.detail):
        field, detail = mistake["pointer"].removeprefix("#").strip("/"), mistake["detail"]
        words.append(
            f"{detail.rstrip('.')} ({field})." if is_sensitive(field) else f"{field}: {detail}" if field else detail
        )
    return " ".join(words)
