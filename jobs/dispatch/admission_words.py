"""Why an order was not accepted, in the language of a page, a mail or the run of a schedule."""

from __future__ import annotations

from django.utils.translation import gettext, ngettext

from jobs.errors import AdmissionError
from jobs.numbers import format_number


def admission_in_words(error: AdmissionError) -> str:
    """The sentence of the error in the active language."""
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
