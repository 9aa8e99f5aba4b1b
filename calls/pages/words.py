"""What the pages say about calls."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext_lazy

from calls.models import Step
from jobs.pages.words import ActionWords, KindWords

WORDS: Final = KindWords(
    title=_("Calls"),
    noun=_("Call"),
    order=_("Order a call"),
    all_types=_("All call types"),
    search=_("Search call types"),
    no_type_allowed=_("Your account cannot order any calls. Ask an administrator for permission."),
    no_type_found=_("No call type matches this search."),
    refused=_("The call was not ordered"),
    equal=_("You already have this call"),
    equal_hint=_("You ordered a call with the same parameters a short time ago."),
    none_yet=_("You have not ordered a call yet."),
    none_yet_hint=_(
        "Order one, then see its result here when it is complete. You can leave this page in the meantime."
    ),
    no_match=_("No call matches these filters."),
    no_older=_("There are no older calls."),
    filter=_("Filter calls"),
    all_active=_("All active calls"),
    all_failed=_("All failed calls"),
    all_complete=_("All complete calls"),
    nothing_selected=_("No call was selected. Tick the boxes of some calls first."),
    cancel_selected=ActionWords(
        ask=ngettext_lazy("Cancel this call?", "Cancel these %(count)d calls?", "count"),
        confirm=ngettext_lazy("Cancel this call", "Cancel %(count)d calls", "count"),
        done=ngettext_lazy("%(count)d call was canceled.", "%(count)d calls were canceled.", "count"),
    ),
    retry_selected=ActionWords(
        ask=ngettext_lazy("Try this call again?", "Try these %(count)d calls again?", "count"),
        confirm=ngettext_lazy("Try this call again", "Try %(count)d calls again", "count"),
        done=ngettext_lazy("%(count)d call is queued again.", "%(count)d calls are queued again.", "count"),
    ),
    delete_selected=ActionWords(
        ask=ngettext_lazy("Delete this call?", "Delete these %(count)d calls?", "count"),
        confirm=ngettext_lazy("Delete this call permanently", "Delete %(count)d calls permanently", "count"),
        done=ngettext_lazy("%(count)d call was deleted.", "%(count)d calls were deleted.", "count"),
    ),
    so_far=_("Steps so far"),
    per_second="",
    starting=_("It is running. The first step has not ended yet."),
    working=_("It is running, and steps are being done."),
    counted=ngettext_lazy("%(number)s step", "%(number)s steps", "count"),
    done=ngettext_lazy("%(done)s step so far", "%(done)s steps so far", "count"),
    done_of_total=_("%(done)s of about %(total)s steps"),
    finished=ngettext_lazy(
        "It was finished after %(time)s, with %(rows)s step.",
        "It was finished after %(time)s, with %(rows)s steps.",
        "count",
    ),
    all=_("All calls"),
    again_this=_("Order this call again"),
    cancel=_("Cancel the call"),
    delete=_("Delete the call…"),
    deletes_order=_("This permanently deletes the call and its steps."),
    deletes_file=_("This permanently deletes the call, its steps and its result."),
    not_canceled=_("The call had already ended. Nothing was deleted."),
    not_deleted=_("The call has been started again. Cancel it first."),
)

#: How a step ended.
OUTCOMES: Final = {
    Step.Outcome.DONE: _("Done"),
    Step.Outcome.REFUSED: _("Failed; the call continued"),
    Step.Outcome.FAILED: _("Failed; it is tried again with the call"),
}

#: What the API says if a call cannot be tried again (`jobs.api.resources.resource`): pages translate it.
NOT_RETRYABLE: Final = (
    gettext_noop("This call type no longer exists, or you may no longer order it."),
    gettext_noop("Its parameters are no longer valid. Order a new call with other parameters."),
)
