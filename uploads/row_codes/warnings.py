"""The codes of warnings: about the file, which is processed all the same."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from uploads.row_codes.code import add_code

PREAMBLE_SKIPPED: Final = add_code(
    "preamble-skipped",
    "warning",
    _("Lines before the headings"),
    _("The lines before the headings were skipped."),
    meaning=_("The file has lines before its headings, such as a title."),
    cure=_("Check that none of these lines is data."),
)
ENCODING_DETECTED: Final = add_code(
    "encoding-detected",
    "warning",
    _("The encoding was detected"),
    _("The encoding was not declared. It was detected from the characters."),
    meaning=_("You named no encoding, and the headings do not show it. The text is in order in only one encoding."),
    cure=_("Check that the characters are right. To be sure, name the encoding when you upload the file."),
)
MIXED_ENCODINGS: Final = add_code(
    "mixed-encodings",
    "warning",
    _("Encodings are mixed"),
    _("Some rows of the file are not in its encoding."),
    meaning=_("Nearly all of the file is UTF-8, but some bytes are not. Their rows are rejected as `invalid-bytes`."),
    cure=_("Correct these rows, or save the whole file as “CSV UTF-8”."),
)
MIXED_LINE_ENDS: Final = add_code(
    "mixed-line-ends",
    "warning",
    _("Line ends are mixed"),
    _("The lines of the file end in different ways."),
    meaning=_("Some lines end with LF, others with CR LF or CR. Often several files were joined."),
    cure=_("Nothing needs to be done if the number of rows is right."),
)
ERRORS_CUT_OFF: Final = add_code(
    "errors-cut-off",
    "warning",
    _("Too many errors to keep"),
    _("There are more than %(limit)s errors. The errors file ends there."),
    _("There are more errors than are kept. The errors file ends there."),
    meaning=_("All errors are counted, but the errors file has only the rejected rows up to the limit."),
    cure=_("Correct the cause that many rows share in the file itself, and upload the whole file again."),
)
COLUMN_WITHOUT_HEADING: Final = add_code(
    "column-without-heading",
    "warning",
    _("A column has no heading"),
    _("A column has no heading."),
    meaning=_("A column has no heading, as a spreadsheet writes it for columns that were once used."),
    cure=_("Nothing, if all its cells are empty. Otherwise, give it a heading or delete it."),
)
UNKNOWN_COLUMN: Final = add_code(
    "unknown-column",
    "warning",
    _("A column is not known"),
    _("The column “%(heading)s” is not known and was ignored."),
    _("A column is not known and was ignored."),
    meaning=_("The upload type has no column with this heading. Its cells change nothing."),
    cure=_("If the cells matter, compare the heading with that in the template."),
)
