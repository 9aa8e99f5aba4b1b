"""What the pages say about uploads."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from jobs.pages.words import ActionWords, KindWords

WORDS: Final = KindWords(
    title=_("Uploads"),
    noun=_("Upload"),
    order=_("Upload a file"),
    all_types=_("All types of upload"),
    none_yet=_("You have not uploaded a file yet."),
    none_yet_hint=_("Upload a CSV file. Here you see how far it is, and which rows were rejected and why."),
    no_match=_("No upload matches these filters."),
    no_older=_("There are no older uploads."),
    filter=_("Filter uploads"),
    all_active=_("All active uploads"),
    all_failed=_("All failed uploads"),
    all_complete=_("All complete uploads"),
    nothing_selected=_("No upload was selected. Tick the boxes of some uploads first."),
    cancel_selected=ActionWords(
        ask=ngettext_lazy("Cancel this upload?", "Cancel these %(count)d uploads?", "count"),
        confirm=ngettext_lazy("Cancel this upload", "Cancel %(count)d uploads", "count"),
        done=ngettext_lazy("%(count)d upload was canceled.", "%(count)d uploads were canceled.", "count"),
    ),
    retry_selected=ActionWords(
        ask=ngettext_lazy("Try this upload again?", "Try these %(count)d uploads again?", "count"),
        confirm=ngettext_lazy("Try this upload again", "Try %(count)d uploads again", "count"),
        done=ngettext_lazy("%(count)d upload is queued again.", "%(count)d uploads are queued again.", "count"),
    ),
    delete_selected=ActionWords(
        ask=ngettext_lazy("Delete this upload?", "Delete these %(count)d uploads?", "count"),
        confirm=ngettext_lazy("Delete this upload permanently", "Delete %(count)d uploads permanently", "count"),
        done=ngettext_lazy("%(count)d upload was deleted.", "%(count)d uploads were deleted.", "count"),
    ),
    all=_("All uploads"),
)
