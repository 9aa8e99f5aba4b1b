"""The codes of errors of a record as a whole."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from uploads.row_codes.code import add_code

STRAY_QUOTE: Final = add_code(
    "stray-quote",
    "record",
    _("A quotation mark in the wrong place"),
    _("A quotation mark stands within a cell, or text follows a closing quotation mark."),
    meaning=_("Quotation marks may only enclose a whole cell. Elsewhere, programs disagree about where the cell ends."),
    cure=_('Enclose the whole cell in quotation marks, and write those within it twice: "5"" pipe".'),
)
MISSING_CELLS: Final = add_code(
    "missing-cells",
    "record",
    _("Too few cells"),
    _("The row has %(cells)s cells, but there are %(columns)s headings."),
    _("The row has fewer cells than there are headings."),
    meaning=_("The row is shorter than the line of headings. It is not clear which cells are missing."),
    cure=_("Add the missing cells, even if they are empty. Look for a line break that is not in quotation marks."),
)
EXTRA_CELLS: Final = add_code(
    "extra-cells",
    "record",
    _("Too many cells"),
    _("The row has %(cells)s cells, but there are %(columns)s headings."),
    _("The row has more cells than there are headings."),
    meaning=_("The row is longer than the line of headings. Usually a text contains the delimiter."),
    cure=_("Enclose each text that contains the delimiter in quotation marks."),
)
NUL_BYTE: Final = add_code(
    "nul-byte",
    "record",
    _("A NUL character"),
    _("The row contains a NUL character, which no text can have."),
    meaning=_("A byte of the row is zero. The file may be damaged, or in UTF-16 without a byte order mark."),
    cure=_("Delete the character, or export the file again as “CSV UTF-8”."),
)
INVALID_BYTES: Final = add_code(
    "invalid-bytes",
    "record",
    _("Bytes that are not text"),
    _("The bytes %(bytes)s are not text in %(encoding)s."),
    _("The row contains bytes that are not text in the file's encoding."),
    meaning=_("Most of the file is in one encoding, but this row is not. Often rows of two files were joined."),
    cure=_("Type the garbled characters again, and save the file as “CSV UTF-8”."),
)
END_OF_DATA_MARKER: Final = add_code(
    "end-of-data-marker",
    "record",
    _(r"A line “\.”"),
    _(r"The line is “\.”, which some databases take for the end of the file."),
    meaning=_(r"A line consists of a backslash and a period only."),
    cure=_(r"Delete the line. If it is data, enclose it in quotation marks."),
)
