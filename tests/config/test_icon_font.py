"""The admin's own font of icons."""

from config.icon_font import FONT, NAMES, WHOLE_FONT, names_used


def test_the_font_has_the_icons_that_pages_show() -> None:
    assert NAMES.read_text().split() == names_used(), "make it again: see config/icon_font.py"


def test_the_font_is_small() -> None:
    assert WHOLE_FONT.stat().st_size > 200_000
    assert FONT.stat().st_size < 10_000
