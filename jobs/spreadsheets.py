"""Text that a spreadsheet would run as a formula."""

from typing import Final

#: A text cell that starts with one of these may be run as a formula by a spreadsheet; the last four are
#: the full-width forms that Excel takes for the same. https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def defuse(cell: str) -> str:
    """`cell` with a leading apostrophe where a spreadsheet might take it for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
