"""The codes of errors of a cell, or of the cells of a key."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from uploads.row_codes.code import add_code

MISSING_VALUE: Final = add_code(
    "missing-value",
    "cell",
    _("A value is missing"),
    _("The cell is empty, but a value is required."),
    meaning=_("The cell of a column that needs a value is empty."),
    cure=_("Fill in the cell."),
)
TYPE_ERROR: Final = add_code(
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
OUT_OF_RANGE: Final = add_code(
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
TOO_LONG: Final = add_code(
    "too-long",
    "cell",
    _("The text is too long"),
    _("The text has %(length)s characters, but the column holds %(limit)s."),
    _("The text has more than %(limit)s characters."),
    _("The text is too long."),
    meaning=_("The text has more characters than the column holds. Texts are never cut."),
    cure=_("Shorten the text."),
)
TOO_MANY_DECIMALS: Final = add_code(
    "too-many-decimals",
    "cell",
    _("Too many decimals"),
    _("“%(value)s” has more than %(limit)s decimals."),
    _("The number has more than %(limit)s decimals."),
    _("The number has too many decimals."),
    meaning=_("The number has more decimals than the column holds. Numbers are never rounded."),
    cure=_("Round the number yourself."),
)
NOT_A_CHOICE: Final = add_code(
    "not-a-choice",
    "cell",
    _("Not one of the choices"),
    _("“%(value)s” is not one of: %(choices)s."),
    _("The value is not one of: %(choices)s."),
    _("The value is not one of the choices."),
    meaning=_("The column accepts only certain words."),
    cure=_("Use one of the words that the message, or the description of the upload type, lists."),
)
CHECK_FAILED: Final = add_code(
    "check-failed",
    "cell",
    _("A rule is broken"),
    "%(message)s",
    _("The row breaks the rule “%(rule)s”."),
    _("The row breaks a rule of the table."),
    meaning=_("The row breaks a rule of the upload type or of the table. The message says which."),
    cure=_("Correct the row as the message says."),
)
INVALID_VALUE: Final = add_code(
    "invalid-value",
    "cell",
    _("Not valid"),
    "%(message)s",
    _("“%(value)s” is not valid."),
    _("The value is not valid."),
    meaning=_("The value is of the right type, but a check of the upload type refuses it. The message says why."),
    cure=_("Correct the value as the message says."),
)
SPREADSHEET_DAMAGE: Final = add_code(
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
UNKNOWN_LOOKUP: Final = add_code(
    "unknown-lookup",
    "cell",
    _("Refers to nothing"),
    _("There is no %(model)s “%(value)s”."),
    _("There is no such %(model)s."),
    _("The row that the cell refers to does not exist."),
    meaning=_("The cell names something that does not exist, that you may not use, or that does not fit the row."),
    cure=_("Correct the value, or create what it refers to first."),
)
AMBIGUOUS_LOOKUP: Final = add_code(
    "ambiguous-lookup",
    "cell",
    _("Refers to several things"),
    _("There is more than one %(model)s “%(value)s”."),
    _("There is more than one such %(model)s."),
    _("The cell refers to more than one row."),
    meaning=_("The cell fits several rows of the other table. None is chosen."),
    cure=_("Ask an administrator to rename one of them."),
)
MISSING_KEY: Final = add_code(
    "missing-key",
    "cell",
    _("The key is empty"),
    _("The cell is empty, but it is part of the key that identifies the row."),
    meaning=_("Without the whole key it is not clear which row of the table is meant."),
    cure=_("Fill in the cell."),
)
DUPLICATE_IN_FILE: Final = add_code(
    "duplicate-in-file",
    "cell",
    _("The key is there twice"),
    _("The same key is in line %(line)s."),
    _("The same key is in another row of the file."),
    meaning=_("Rows of the file have the same key. All of them are rejected, because it is not clear which counts."),
    cure=_("Keep one of the rows."),
)
ALREADY_EXISTS: Final = add_code(
    "already-exists",
    "cell",
    _("The row exists already"),
    _("“%(value)s” exists already."),
    _("A row with this key exists already."),
    meaning=_("The upload only adds rows, and the table has a row with this key."),
    cure=_("Remove the row from the file, or give it another key."),
)
NOT_FOUND: Final = add_code(
    "not-found",
    "cell",
    _("The row does not exist"),
    _("There is no “%(value)s” to update."),
    _("There is no row with this key to update."),
    meaning=_("The upload only updates rows, and the table has no row with this key that you may change."),
    cure=_("Correct the key, or remove the row from the file."),
)
KEY_NOT_AVAILABLE: Final = add_code(
    "key-not-available",
    "cell",
    _("The key cannot be used"),
    _("The key “%(value)s” cannot be used."),
    _("The key cannot be used."),
    meaning=_("The table has a row with this key, and you may not change it."),
    cure=_("Use another key."),
)
UNIQUE_VIOLATION: Final = add_code(
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
