"""The orders of schedules, for kinds whose jobs have a type: stored with sealed secrets, placed at each run.

A stored order is `{"body": …, "relative": {path: name of a moment}}`. The body is that of an order over the API, with
the values that the relative parameters had when the schedule was saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.utils import timezone, translation
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

from jobs.errors import OrderRefusedError, SecretUnreadableError
from jobs.models import Job
from jobs.payloads.sealing import is_out_of_date, seal, unseal
from jobs.types.base import JobType
from jobs.types.ordering import Ordering
from jobs.types.registry import UnknownTypeError
from jobs.types.relative_dates import UnknownMomentError
from jobs.types.relative_fields import resolve_all
from jobs.types.reopening import in_words
from jobs.types.secret_parameters import is_secret_field

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

T = TypeVar("T", bound=JobType)


def _in_words(error: ValidationError) -> str:
    """`year: This field is required.`, without the name of the group."""
    detail = error.detail
    return in_words(
        ValidationError(detail["parameters"]) if isinstance(detail, dict) and "parameters" in detail else error
    )


def stored_order(job_type: JobType, body: Mapping[str, Any], relative: Mapping[str, str]) -> dict[str, Any]:
    """A valid order as a schedule stores it: with sealed secrets."""
    sealed = seal(body["parameters"], partial(is_secret_field, type(job_type)))
    return {"body": {**body, "parameters": sealed}, "relative": dict(relative)}


class TypedOrders(Generic[T]):
    """Places the orders of schedules of one kind (`jobs.kinds.ScheduledOrders`)."""

    def __init__(self, ordering: Ordering[T]) -> None:
        self.ordering = ordering

    def place(
        self, *, owner: AbstractBaseUser, order: dict[str, Any], at: datetime, language: str, callback_url: str
    ) -> Job:
        """Place the order, with its relative dates as they are at `at`. Raises OrderRefusedError or AdmissionError."""
        with translation.override(language), timezone.override(at.tzinfo):
            try:
                body = self._body(order, owner, at)
                body |= {"callbackURL": callback_url} if callback_url else {}
                return self.ordering.place_order(owner=owner, data=body).job
            except UnknownTypeError:
                reason = gettext("This type no longer exists, or you may no longer order it.")
            except SecretUnreadableError as error:
                reason = gettext(error.public)
            except (ValidationError, UnknownMomentError) as error:
                words = _in_words(error) if isinstance(error, ValidationError) else str(error)
                reason = gettext("The parameters are no longer valid. %(why)s") % {"why": words}
        raise OrderRefusedError(reason)

    def _body(self, order: dict[str, Any], owner: AbstractBaseUser, at: datetime) -> dict[str, Any]:
        body = order["body"]
        job_type = self.ordering.types.get(body[self.ordering.types.member], owner)
        parameters = resolve_all(type(job_type), unseal(body["parameters"]), order["relative"], at=at)
        return {**body, "parameters": parameters}

    def encrypted(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """The order with newly encrypted secrets; None if their encryption is up to date."""
        body = order["body"]
        job_type = self.ordering.types.find(str(body[self.ordering.types.member]))
        if job_type is None:
            return None
        is_secret = partial(is_secret_field, type(job_type))
        if not is_out_of_date(body["parameters"], is_secret):
            return None
        return {**order, "body": {**body, "parameters": seal(unseal(body["parameters"]), is_secret)}}
