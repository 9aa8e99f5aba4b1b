"""Why an action on a job's page, or an order, was refused."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext, ngettext

from jobs.errors import AdmissionError
from jobs.numbers import format_number


class Refusal(NamedTuple):
    """The message on a job's page about an action that was refused: a heading, and a sentence with the reason."""

    heading: str
    reason: str


def admission_in_words(error: AdmissionError) -> str:
    """The sentence of the error in the language of the page."""
    facts = {"queue": error.queue, "type": error.type, "limit": format_number(error.limit or 0)}
    match error.scope, error.limit:
        case "queue", None:
            text = gettext("The queue %(queue)s is closed: new orders are not accepted at the moment.")
        case "type", None:
            text = gettext("New orders of %(type)s are not accepted at the moment.")
        case "type", int(limit):
            text = ngettext(
                "%(limit)s job of type %(type)s is already queued, which is the maximum.",
                "%(limit)s jobs of type %(type)s are already queued, which is the maximum.",
                limit,
            )
        case "owner", int(limit):
            text = ngettext(
                "You have %(limit)s job waiting in the queue %(queue)s, which is the maximum.",
                "You have %(limit)s jobs waiting in the queue %(queue)s, which is the maximum.",
                limit,
            )
        case _:
            text = gettext("The queue %(queue)s is full.")
    return text % facts
