"""The codes of errors that refuse a whole file."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from uploads.row_codes.code import add_code

EMPTY_FILE: Final = add_code(
    "empty-file",
    "file",
    _("The file is empty"),
    _("The file is empty."),
    meaning=_("The file has no text at all, or only blank lines."),
    cure=_("Check that you chose the right file, and that the program that made it had finished."),
)
NO_ROWS: Final = add_code(
    "no-rows",
    "file",
    _("No rows"),
    _("The file has headings but no rows."),
    meaning=_("Nothing follows the headings."),
    cure=_("Add the rows below the headings, or check that you exported the right sheet."),
)
NOT_CSV: Final = add_code(
    "not-csv",
    "file",
    _("Not a CSV file"),
    _("The file is %(what)s, not CSV."),
    _("The file is not CSV."),
    meaning=_(
        "The first bytes of the file are those of another format, such as an Excel workbook, a PDF, a web page or an"
        " archive. Its name does not matter."
    ),
    cure=_("In Excel or LibreOffice, save the sheet as “CSV UTF-8”. Unpack an archive first."),
)
UNKNOWN_ENCODING: Final = add_code(
    "unknown-encoding",
    "file",
    _("Unknown encoding"),
    _("The file is not valid %(encoding)s: the first wrong bytes are in line %(line)s."),
    _("The file is not valid %(encoding)s."),
    _("The text of the file is in an unknown encoding."),
    meaning=_("The bytes of the file are not text in the encoding that you named, or in any encoding that is tried."),
    cure=_("Save the file as “CSV UTF-8”, or name the encoding that the program used."),
)
ENCODING_AMBIGUOUS: Final = add_code(
    "encoding-ambiguous",
    "file",
    _("The encoding is ambiguous"),
    _("The file can be read in several encodings: %(encodings)s."),
    _("The file can be read in several encodings."),
    meaning=_("Several encodings fit the bytes of the file, and each gives other characters. None is guessed."),
    cure=_("Name the encoding when you upload the file, or save it as “CSV UTF-8”."),
)
UNKNOWN_DELIMITER: Final = add_code(
    "unknown-delimiter",
    "file",
    _("The delimiter cannot be used"),
    _("“%(delimiter)s” cannot be a delimiter."),
    _("The delimiter cannot be used."),
    meaning=_("The delimiter that you named cannot separate cells: it is not one character, or cells may contain it."),
    cure=_("Name a comma, a semicolon, a tab or a vertical bar, or let the delimiter be found out."),
)
UNKNOWN_HEADINGS: Final = add_code(
    "unknown-headings",
    "file",
    _("No known headings"),
    _("No line at the start of the file has the headings of this upload: %(headings)s."),
    _("No line at the start of the file has the headings of this upload."),
    meaning=_("None of the first lines contains a heading that the upload type knows."),
    cure=_("Download the template, and use its headings. Case, width and outer spaces do not matter."),
)
MISSING_COLUMN: Final = add_code(
    "missing-column",
    "file",
    _("A column is missing"),
    _("The column “%(heading)s” is missing."),
    _("A required column is missing."),
    meaning=_("A column that the upload needs is not in the file."),
    cure=_("Add the column with exactly this heading. The template has all columns."),
)
DUPLICATE_COLUMN: Final = add_code(
    "duplicate-column",
    "file",
    _("A column is there twice"),
    _("The columns %(positions)s are all “%(heading)s”."),
    _("The column “%(heading)s” is there more than once."),
    _("A column is there more than once."),
    meaning=_("Two headings of the file stand for the same column. It is not clear which one counts."),
    cure=_("Delete one of the columns, or rename its heading."),
)
BLANK_HEADING: Final = add_code(
    "blank-heading",
    "file",
    _("A column has cells but no heading"),
    _("Column %(position)s has cells but no heading."),
    _("A column has cells but no heading."),
    meaning=_("A column has no heading, but one of its cells has a value. Empty columns do no harm."),
    cure=_("Give the column a heading, or delete it."),
)
UNTERMINATED_QUOTE: Final = add_code(
    "unterminated-quote",
    "file",
    _("A quotation mark is never closed"),
    _("The quotation mark that opens in line %(line)s is never closed."),
    _("A quotation mark is never closed."),
    meaning=_("A cell begins with a quotation mark, and no quotation mark ends it. All further lines belong to it."),
    cure=_(
        'Close the quotation mark in this line. A quotation mark within a quoted cell is written twice: "5"" pipe".'
    ),
)
RECORD_TOO_LONG: Final = add_code(
    "record-too-long",
    "file",
    _("A row is too long"),
    _("The row that begins in line %(line)s is longer than %(limit)s bytes."),
    _("The row that begins in line %(line)s is too long."),
    _("A row is too long."),
    meaning=_("One row has more than 1 MiB. Usually a quotation mark is missing, and many lines count as one cell."),
    cure=_("Look for an unclosed quotation mark in this line."),
)
TOO_MANY_ROWS: Final = add_code(
    "too-many-rows",
    "file",
    _("Too many rows"),
    _("The file has more than %(limit)s rows."),
    _("The file has too many rows."),
    meaning=_("The file has more rows than the upload type accepts. No row was written."),
    cure=_("Split the file, and repeat the headings in each part."),
)
TOO_MANY_COLUMNS: Final = add_code(
    "too-many-columns",
    "file",
    _("Too many columns"),
    _("The file has %(columns)s columns. The maximum is %(limit)s."),
    _("The file has too many columns."),
    meaning=_("The file has more columns than can be read."),
    cure=_("Delete the columns that the upload type does not know."),
)
AMBIGUOUS_DATE: Final = add_code(
    "ambiguous-date",
    "file",
    _("The date format is ambiguous"),
    _("The dates in the column “%(heading)s”, such as “%(value)s”, fit more than one format: %(formats)s."),
    _("The dates in the column “%(heading)s” fit more than one format."),
    _("The dates of a column fit more than one format."),
    meaning=_("All dates of a column can be read with the day first and with the month first. Neither is guessed."),
    cure=_("Write the dates as YYYY-MM-DD."),
)
AMBIGUOUS_DECIMAL: Final = add_code(
    "ambiguous-decimal",
    "file",
    _("The decimal separator is ambiguous"),
    _("In the column “%(heading)s”, it is not clear whether “%(value)s” has a decimal or a thousands separator."),
    _("In the column “%(heading)s”, it is not clear what separates the decimals."),
    _("It is not clear what separates the decimals of a column."),
    meaning=_("A point or a comma in the numbers of a column can separate decimals or thousands. Neither is guessed."),
    cure=_("Write the numbers without a thousands separator, and with a point before the decimals."),
)
PLAN_CHANGED: Final = add_code(
    "plan-changed",
    "file",
    _("The table has changed since the dry run"),
    _("The table has changed since the dry run, so the upload would now do something else. No row was written."),
    meaning=_("You confirmed the plan of a dry run, but the same file would now have another effect."),
    cure=_("Repeat the dry run, check its plan, and confirm that one."),
)
TOO_MANY_UPDATES: Final = add_code(
    "too-many-updates",
    "file",
    _("The upload would change too many rows"),
    _("The upload would update %(updated)s of %(total)s rows, which is more than %(limit)s percent."),
    _("The upload would update too many rows."),
    meaning=_("The upload type limits how much of the table one file may update, and this file exceeds it."),
    cure=_("Check that you chose the right file. If you did, ask an administrator."),
)
ROWS_REJECTED: Final = add_code(
    "rows-rejected",
    "file",
    _("Rows have errors"),
    _("%(failed)s of %(total)s rows have errors, so no row was written."),
    _("Rows have errors, so no row was written."),
    meaning=_("At least one row has an error, and you asked for all rows or none."),
    cure=_(
        "Mend the rows in your own file, and upload all of it again: the errors file has only the rejected rows. Or"
        " upload with `mode=partial`, which writes the rows without errors."
    ),
)
