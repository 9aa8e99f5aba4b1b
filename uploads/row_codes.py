"""The codes of all errors that a file, a record or a cell of an upload can have. docs/uploads.md lists them from here.

A constant holds the code itself, as it stands in the status and in the errors file: `TYPE_ERROR == "type-error"`.
`ROW_CODES` explains each, and `message_for` writes the sentence of one error:

    message_for(TYPE_ERROR, value="12,5", type="integer")  # “12,5” is not a whole number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: What an error is about. A warning is about the file, which is processed all the same.
Level = Literal["file", "record", "cell", "warning"]

#: Longer values are cut in messages. Characters.
LONGEST_VALUE: Final = 60
#: Facts that quote the file: a message about a sensitive column does without them.
QUOTED: Final = frozenset({"value"})

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
#: Control characters become visible: U+2400 and following are pictures of them.
_VISIBLE: Final = {**{code: 0x2400 + code for code in range(32)}, 0x7F: 0x2421}

#: The words for the fact `type`.
TYPES: Final[Mapping[str, _StrOrPromise]] = {
    "integer": _("a whole number"),
    "decimal": _("a number"),
    "float": _("a number"),
    "boolean": _("true or false"),
    "date": _("a date"),
    "datetime": _("a date and time"),
    "time": _("a time"),
    "duration": _("a duration"),
    "uuid": _("a UUID"),
    "json": _("JSON"),
    "binary": _("hexadecimal bytes"),
    "ip-address": _("an IP address"),
}


@dataclass(frozen=True)
class RowCode:
    """One row of the list. `meaning` and `cure` are sentences for the person who uploads.

    `messages` are the sentences of one error, the best first. Each needs some facts; the last needs none.
    """

    code: str
    level: Level
    title: _StrOrPromise
    meaning: _StrOrPromise
    cure: _StrOrPromise
    messages: tuple[_StrOrPromise, ...]

    def message(self, facts: Mapping[str, Any]) -> str:
        """The first sentence whose facts are all known."""
        for text in map(str, self.messages):
            if facts.keys() >= set(_PLACEHOLDER.findall(text)):
                return text % facts
        raise AssertionError(f"the last message of {self.code} needs facts")


#: All codes, in the order of the documentation.
ROW_CODES: Final[dict[str, RowCode]] = {}


def message_for(code: str, *, is_sensitive: bool = False, **facts: Any) -> str:
    """The sentence of one error, in the active language. Facts that are None count as unknown.

    `value` is the cell's text, which is cut if it is long, and left out if the column is sensitive. `type` is a key of
    `TYPES`, or words. Other facts: `line`, `minimum`, `maximum`, `limit`, `heading`, `choices`, … as the messages of
    the code name them. Raises KeyError if there is no such code.
    """
    left_out: Collection[str] = QUOTED if is_sensitive else ()
    known = {name: _shown(name, fact) for name, fact in facts.items() if fact is not None and name not in left_out}
    return ROW_CODES[code].message(known)


def _shown(name: str, fact: Any) -> str:
    if name == "type":
        return str(TYPES.get(fact, fact))
    if isinstance(fact, list | tuple):
        return ", ".join(map(str, fact))
    text = str(fact)
    if name in QUOTED:
        text = text.translate(_VISIBLE)
        return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
    return text


def _add(code: str, level: Level, title: Any, *messages: Any, meaning: Any, cure: Any) -> str:
    ROW_CODES[code] = RowCode(code, level, title, meaning, cure, messages)
    return code


EMPTY_FILE: Final = _add(
    "empty-file",
    "file",
    _("The file is empty"),
    _("The file is empty."),
    meaning=_("The file has no text at all, or only blank lines."),
    cure=_("Check that you chose the right file, and that the program that made it had finished."),
)
NO_ROWS: Final = _add(
    "no-rows",
    "file",
    _("No rows"),
    _("The file has headings but no rows."),
    meaning=_("Nothing follows the headings."),
    cure=_("Add the rows below the headings, or check that you exported the right sheet."),
)
NOT_CSV: Final = _add(
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
UNKNOWN_ENCODING: Final = _add(
    "unknown-encoding",
    "file",
    _("Unknown encoding"),
    _("The file is not valid %(encoding)s: the first wrong bytes are in line %(line)s."),
    _("The file is not valid %(encoding)s."),
    _("The text of the file is in an unknown encoding."),
    meaning=_("The bytes of the file are not text in the encoding that you named, or in any encoding that is tried."),
    cure=_("Save the file as “CSV UTF-8”, or name the encoding that the program used."),
)
ENCODING_AMBIGUOUS: Final = _add(
    "encoding-ambiguous",
    "file",
    _("The encoding is ambiguous"),
    _("The file can be read in several encodings: %(encodings)s."),
    _("The file can be read in several encodings."),
    meaning=_("Several encodings fit the bytes of the file, and each gives other characters. None is guessed."),
    cure=_("Name the encoding when you upload the file, or save it as “CSV UTF-8”."),
)
UNKNOWN_DELIMITER: Final = _add(
    "unknown-delimiter",
    "file",
    _("The delimiter cannot be used"),
    _("“%(delimiter)s” cannot be a delimiter."),
    _("The delimiter cannot be used."),
    meaning=_("The delimiter that you named cannot separate cells: it is not one character, or cells may contain it."),
    cure=_("Name a comma, a semicolon, a tab or a vertical bar, or let the delimiter be found out."),
)
UNKNOWN_HEADINGS: Final = _add(
    "unknown-headings",
    "file",
    _("No known headings"),
    _("No line at the start of the file has the headings of this upload: %(headings)s."),
    _("No line at the start of the file has the headings of this upload."),
    meaning=_("None of the first lines contains a heading that the upload type knows."),
    cure=_("Download the template, and use its headings. Case, width and outer spaces do not matter."),
)
MISSING_COLUMN: Final = _add(
    "missing-column",
    "file",
    _("A column is missing"),
    _("The column “%(heading)s” is missing."),
    _("A required column is missing."),
    meaning=_("A column that the upload needs is not in the file."),
    cure=_("Add the column with exactly this heading. The template has all columns."),
)
DUPLICATE_COLUMN: Final = _add(
    "duplicate-column",
    "file",
    _("A column is there twice"),
    _("The columns %(positions)s are all “%(heading)s”."),
    _("The column “%(heading)s” is there more than once."),
    _("A column is there more than once."),
    meaning=_("Two headings of the file stand for the same column. It is not clear which one counts."),
    cure=_("Delete one of the columns, or rename its heading."),
)
BLANK_HEADING: Final = _add(
    "blank-heading",
    "file",
    _("A column has cells but no heading"),
    _("Column %(position)s has cells but no heading."),
    _("A column has cells but no heading."),
    meaning=_("A column has no heading, but one of its cells has a value. Empty columns do no harm."),
    cure=_("Give the column a heading, or delete it."),
)
UNTERMINATED_QUOTE: Final = _add(
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
RECORD_TOO_LONG: Final = _add(
    "record-too-long",
    "file",
    _("A row is too long"),
    _("The row that begins in line %(line)s is longer than %(limit)s bytes."),
    _("The row that begins in line %(line)s is too long."),
    _("A row is too long."),
    meaning=_("One row has more than 1 MiB. Usually a quotation mark is missing, and many lines count as one cell."),
    cure=_("Look for an unclosed quotation mark in this line."),
)
TOO_MANY_ROWS: Final = _add(
    "too-many-rows",
    "file",
    _("Too many rows"),
    _("The file has more than %(limit)s rows."),
    _("The file has too many rows."),
    meaning=_("The file has more rows than the upload type accepts. No row was written."),
    cure=_("Split the file, and repeat the headings in each part."),
)
TOO_MANY_COLUMNS: Final = _add(
    "too-many-columns",
    "file",
    _("Too many columns"),
    _("The file has %(columns)s columns. The maximum is %(limit)s."),
    _("The file has too many columns."),
    meaning=_("The file has more columns than can be read."),
    cure=_("Delete the columns that the upload type does not know."),
)
AMBIGUOUS_DATE: Final = _add(
    "ambiguous-date",
    "file",
    _("The date format is ambiguous"),
    _("The dates in the column “%(heading)s”, such as “%(value)s”, fit more than one format: %(formats)s."),
    _("The dates in the column “%(heading)s” fit more than one format."),
    _("The dates of a column fit more than one format."),
    meaning=_("All dates of a column can be read with the day first and with the month first. Neither is guessed."),
    cure=_("Write the dates as YYYY-MM-DD."),
)
AMBIGUOUS_DECIMAL: Final = _add(
    "ambiguous-decimal",
    "file",
    _("The decimal separator is ambiguous"),
    _("In the column “%(heading)s”, it is not clear whether “%(value)s” has a decimal or a thousands separator."),
    _("In the column “%(heading)s”, it is not clear what separates the decimals."),
    _("It is not clear what separates the decimals of a column."),
    meaning=_("A point or a comma in the numbers of a column can separate decimals or thousands. Neither is guessed."),
    cure=_("Write the numbers without a thousands separator, and with a point before the decimals."),
)
PLAN_CHANGED: Final = _add(
    "plan-changed",
    "file",
    _("The table has changed since the dry run"),
    _("The table has changed since the dry run, so the upload would now do something else. No row was written."),
    meaning=_("You confirmed the plan of a dry run, but the same file would now have another effect."),
    cure=_("Repeat the dry run, check its plan, and confirm that one."),
)
TOO_MANY_UPDATES: Final = _add(
    "too-many-updates",
    "file",
    _("The upload would change too many rows"),
    _("The upload would update %(updated)s of %(total)s rows, which is more than %(limit)s percent."),
    _("The upload would update too many rows."),
    meaning=_("The upload type limits how much of the table one file may update, and this file exceeds it."),
    cure=_("Check that you chose the right file. If you did, ask an administrator."),
)
ROWS_REJECTED: Final = _add(
    "rows-rejected",
    "file",
    _("Rows have errors"),
    _("%(failed)s of %(total)s rows have errors, so no row was written."),
    _("Rows have errors, so no row was written."),
    meaning=_("At least one row has an error, and you asked for all rows or none."),
    cure=_(
        "Download the errors, mend the rows in that file, and upload it again. Or upload with `mode=partial`, which"
        " writes the rows without errors."
    ),
)

STRAY_QUOTE: Final = _add(
    "stray-quote",
    "record",
    _("A quotation mark in the wrong place"),
    _("A quotation mark stands within a cell, or text follows a closing quotation mark."),
    meaning=_("Quotation marks may only enclose a whole cell. Elsewhere, programs disagree about where the cell ends."),
    cure=_('Enclose the whole cell in quotation marks, and write those within it twice: "5"" pipe".'),
)
MISSING_CELLS: Final = _add(
    "missing-cells",
    "record",
    _("Too few cells"),
    _("The row has %(cells)s cells, but there are %(columns)s headings."),
    _("The row has fewer cells than there are headings."),
    meaning=_("The row is shorter than the line of headings. It is not clear which cells are missing."),
    cure=_("Add the missing cells, even if they are empty. Look for a line break that is not in quotation marks."),
)
EXTRA_CELLS: Final = _add(
    "extra-cells",
    "record",
    _("Too many cells"),
    _("The row has %(cells)s cells, but there are %(columns)s headings."),
    _("The row has more cells than there are headings."),
    meaning=_("The row is longer than the line of headings. Usually a text contains the delimiter."),
    cure=_("Enclose each text that contains the delimiter in quotation marks."),
)
NUL_BYTE: Final = _add(
    "nul-byte",
    "record",
    _("A NUL character"),
    _("The row contains a NUL character, which no text can have."),
    meaning=_("A byte of the row is zero. The file may be damaged, or in UTF-16 without a byte order mark."),
    cure=_("Delete the character, or export the file again as “CSV UTF-8”."),
)
INVALID_BYTES: Final = _add(
    "invalid-bytes",
    "record",
    _("Bytes that are not text"),
    _("The bytes %(bytes)s are not text in %(encoding)s."),
    _("The row contains bytes that are not text in the file's encoding."),
    meaning=_("Most of the file is in one encoding, but this row is not. Often rows of two files were joined."),
    cure=_("Type the garbled characters again, and save the file as “CSV UTF-8”."),
)
END_OF_DATA_MARKER: Final = _add(
    "end-of-data-marker",
    "record",
    _(r"A line “\.”"),
    _(r"The line is “\.”, which some databases take for the end of the file."),
    meaning=_(r"A line consists of a backslash and a period only."),
    cure=_(r"Delete the line. If it is data, enclose it in quotation marks."),
)

MISSING_VALUE: Final = _add(
    "missing-value",
    "cell",
    _("A value is missing"),
    _("The cell is empty, but a value is required."),
    meaning=_("The cell of a column that needs a value is empty."),
    cure=_("Fill in the cell."),
)
TYPE_ERROR: Final = _add(
    "type-error",
    "cell",
    _("Not of the column's type"),
    _("“%(value)s” is not %(type)s in the format %(format)s."),
    _("“%(value)s” is not %(type)s."),
    _("The value is not %(type)s."),
    _("The value is not of the column's type."),
    meaning=_("The cell is not a number, a date or whatever the column holds. Words such as “today” are no dates."),
    cure=_("Write numbers with digits only, such as 1234.50, and dates as YYYY-MM-DD."),
)
OUT_OF_RANGE: Final = _add(
    "out-of-range",
    "cell",
    _("Out of range"),
    _("“%(value)s” is not between %(minimum)s and %(maximum)s."),
    _("“%(value)s” is less than %(minimum)s."),
    _("“%(value)s” is more than %(maximum)s."),
    _("The value is not between %(minimum)s and %(maximum)s."),
    _("The value is less than %(minimum)s."),
    _("The value is more than %(maximum)s."),
    _("The value is out of range."),
    meaning=_("The number or date is smaller or larger than the column allows."),
    cure=_("Correct the value. Look for a missing decimal separator."),
)
TOO_LONG: Final = _add(
    "too-long",
    "cell",
    _("The text is too long"),
    _("The text has %(length)s characters, but the column holds %(limit)s."),
    _("The text has more than %(limit)s characters."),
    _("The text is too long."),
    meaning=_("The text has more characters than the column holds. Texts are never cut."),
    cure=_("Shorten the text."),
)
TOO_MANY_DECIMALS: Final = _add(
    "too-many-decimals",
    "cell",
    _("Too many decimals"),
    _("“%(value)s” has more than %(limit)s decimals."),
    _("The number has more than %(limit)s decimals."),
    _("The number has too many decimals."),
    meaning=_("The number has more decimals than the column holds. Numbers are never rounded."),
    cure=_("Round the number yourself."),
)
NOT_A_CHOICE: Final = _add(
    "not-a-choice",
    "cell",
    _("Not one of the choices"),
    _("“%(value)s” is not one of: %(choices)s."),
    _("The value is not one of: %(choices)s."),
    _("The value is not one of the choices."),
    meaning=_("The column accepts only certain words."),
    cure=_("Use one of the words that the message, or the description of the upload type, lists."),
)
CHECK_FAILED: Final = _add(
    "check-failed",
    "cell",
    _("A rule is broken"),
    "%(message)s",
    _("The row breaks the rule “%(rule)s”."),
    _("The row breaks a rule of the table."),
    meaning=_("The row breaks a rule of the upload type or of the table. The message says which."),
    cure=_("Correct the row as the message says."),
)
INVALID_VALUE: Final = _add(
    "invalid-value",
    "cell",
    _("Not valid"),
    "%(message)s",
    _("“%(value)s” is not valid."),
    _("The value is not valid."),
    meaning=_("The value is of the right type, but a check of the upload type refuses it. The message says why."),
    cure=_("Correct the value as the message says."),
)
SPREADSHEET_DAMAGE: Final = _add(
    "spreadsheet-damage",
    "cell",
    _("Damaged by a spreadsheet"),
    _("“%(value)s” looks damaged by a spreadsheet: %(reason)s."),
    _("“%(value)s” looks damaged by a spreadsheet."),
    _("The value looks damaged by a spreadsheet."),
    meaning=_(
        "A spreadsheet has probably turned the value into something else: a long number into 1.23E+15, a code into"
        " 1-Mar, a formula into #N/A. The original is lost in this file."
    ),
    cure=_("Get the value from its source. In the spreadsheet, format the column as text before you fill it."),
)
UNKNOWN_LOOKUP: Final = _add(
    "unknown-lookup",
    "cell",
    _("Refers to nothing"),
    _("There is no %(model)s “%(value)s”."),
    _("There is no such %(model)s."),
    _("The row that the cell refers to does not exist."),
    meaning=_("The cell names something that does not exist, that you may not use, or that does not fit the row."),
    cure=_("Correct the value, or create what it refers to first."),
)
AMBIGUOUS_LOOKUP: Final = _add(
    "ambiguous-lookup",
    "cell",
    _("Refers to several things"),
    _("There is more than one %(model)s “%(value)s”."),
    _("There is more than one such %(model)s."),
    _("The cell refers to more than one row."),
    meaning=_("The cell fits several rows of the other table. None is chosen."),
    cure=_("Ask an administrator to rename one of them."),
)
MISSING_KEY: Final = _add(
    "missing-key",
    "cell",
    _("The key is empty"),
    _("The cell is empty, but it is part of the key that identifies the row."),
    meaning=_("Without the whole key it is not clear which row of the table is meant."),
    cure=_("Fill in the cell."),
)
DUPLICATE_IN_FILE: Final = _add(
    "duplicate-in-file",
    "cell",
    _("The key is there twice"),
    _("The same key is in line %(line)s."),
    _("The same key is in another row of the file."),
    meaning=_("Rows of the file have the same key. All of them are rejected, because it is not clear which counts."),
    cure=_("Keep one of the rows."),
)
ALREADY_EXISTS: Final = _add(
    "already-exists",
    "cell",
    _("The row exists already"),
    _("“%(value)s” exists already."),
    _("A row with this key exists already."),
    meaning=_("The upload only adds rows, and the table has a row with this key."),
    cure=_("Remove the row from the file, or give it another key."),
)
NOT_FOUND: Final = _add(
    "not-found",
    "cell",
    _("The row does not exist"),
    _("There is no “%(value)s” to update."),
    _("There is no row with this key to update."),
    meaning=_("The upload only updates rows, and the table has no row with this key that you may change."),
    cure=_("Correct the key, or remove the row from the file."),
)
KEY_NOT_AVAILABLE: Final = _add(
    "key-not-available",
    "cell",
    _("The key cannot be used"),
    _("The key “%(value)s” cannot be used."),
    _("The key cannot be used."),
    meaning=_("The table has a row with this key, and you may not change it."),
    cure=_("Use another key."),
)
UNIQUE_VIOLATION: Final = _add(
    "unique-violation",
    "cell",
    _("The value must be unique"),
    _("“%(value)s” is there twice, but it must be unique: see line %(line)s."),
    _("“%(value)s” belongs to another row already."),
    _("The same value is in line %(line)s, but it must be unique."),
    _("The value belongs to another row already."),
    meaning=_("Another row, of the file or of the table, has a value that must be unique."),
    cure=_("Correct the value in one of the two rows."),
)

PREAMBLE_SKIPPED: Final = _add(
    "preamble-skipped",
    "warning",
    _("Lines before the headings"),
    _("The lines before the headings were skipped."),
    meaning=_("The file has lines before its headings, such as a title."),
    cure=_("Check that none of these lines is data."),
)
ENCODING_DETECTED: Final = _add(
    "encoding-detected",
    "warning",
    _("The encoding was detected"),
    _("The encoding was not declared. It was detected from the characters."),
    meaning=_("You named no encoding, and the headings do not show it. The text is in order in only one encoding."),
    cure=_("Check that the characters are right. To be sure, name the encoding when you upload the file."),
)
MIXED_ENCODINGS: Final = _add(
    "mixed-encodings",
    "warning",
    _("Encodings are mixed"),
    _("Some rows of the file are not in its encoding."),
    meaning=_("Nearly all of the file is UTF-8, but some bytes are not. Their rows are rejected as `invalid-bytes`."),
    cure=_("Correct these rows, or save the whole file as “CSV UTF-8”."),
)
MIXED_LINE_ENDS: Final = _add(
    "mixed-line-ends",
    "warning",
    _("Line ends are mixed"),
    _("The lines of the file end in different ways."),
    meaning=_("Some lines end with LF, others with CR LF or CR. Often several files were joined."),
    cure=_("Nothing needs to be done if the number of rows is right."),
)
ERRORS_CUT_OFF: Final = _add(
    "errors-cut-off",
    "warning",
    _("Too many errors to keep"),
    _("There are more than %(limit)s errors. The errors file ends there."),
    _("There are more errors than are kept. The errors file ends there."),
    meaning=_("All errors are counted, but the errors file has only the rejected rows up to the limit."),
    cure=_("Correct the cause that many rows share in the file itself, and upload the whole file again."),
)
COLUMN_WITHOUT_HEADING: Final = _add(
    "column-without-heading",
    "warning",
    _("A column has no heading"),
    _("A column has no heading."),
    meaning=_("A column has no heading, as a spreadsheet writes it for columns that were once used."),
    cure=_("Nothing, if all its cells are empty. Otherwise, give it a heading or delete it."),
)
UNKNOWN_COLUMN: Final = _add(
    "unknown-column",
    "warning",
    _("A column is not known"),
    _("The column “%(heading)s” is not known and was ignored."),
    _("A column is not known and was ignored."),
    meaning=_("The upload type has no column with this heading. Its cells change nothing."),
    cure=_("If the cells matter, compare the heading with that in the template."),
)
