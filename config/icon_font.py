"""The font with the icons of the admin: the few that its pages use, of the 3,800 that django-unfold ships (292 kB).

After a change of the menu, or of unfold, make it again:

    uv run --with "fonttools[woff]" python -m config.icon_font

An icon is a ligature: the page has its name as text, which the font draws as one glyph. The font is Google's Material
Symbols (Apache License 2.0, in the same folder).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import re2
import unfold

from config.admin_theme import UNFOLD

UNFOLD_FOLDER: Final = Path(unfold.__file__).parent
WHOLE_FONT: Final = UNFOLD_FOLDER / "static/unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
FOLDER: Final = Path(__file__).parents[1] / "templates/static/longhaul/icons"
FONT: Final = FOLDER / "icons.woff2"
#: The names of the icons in the font, one a line.
NAMES: Final = FOLDER / "icons.txt"

#: An element of unfold's templates and scripts that shows an icon, and an icon that a template hands on.
ELEMENT: Final = re2.compile(r"(?s)material-symbols-outlined[^>]*>(.*?)</")
ARGUMENT: Final = re.compile(r"""\bicon=["']([a-z0-9_]+)["']""")
NAME: Final = re.compile(r"(?<![\w.])[a-z][a-z0-9_]{2,}(?![\w.(])")
#: Words of the expression by which unfold chooses the icon of the theme.
NO_NAMES: Final = {"dark", "light", "span", "text"}
#: The template language within such elements.
SYNTAX: Final = re2.compile(r"(?s)\{\{.*?\}\}|\{%.*?%\}")
#: An icon in unfold's Python.
SYMBOL: Final = re.compile(r'icon="([a-z_]+)"')


def names_used() -> list[str]:
    """The names of the icons that the menu and unfold's own templates and scripts show, sorted."""
    names = {UNFOLD["SITE_SYMBOL"]}
    names.update(item["icon"] for group in UNFOLD["SIDEBAR"]["navigation"] for item in group["items"])
    files = [*UNFOLD_FOLDER.glob("templates/**/*.html"), UNFOLD_FOLDER / "static/unfold/js/app.js"]
    for file in files:
        text = file.read_text()
        names.update(ARGUMENT.findall(text))
        for content in ELEMENT.findall(text):
            names.update(NAME.findall(SYNTAX.sub(" ", content)))
    names.update(SYMBOL.findall((UNFOLD_FOLDER / "sites.py").read_text()))
    return sorted(names - NO_NAMES)


def main() -> None:
    """Write the font and the list of its icons."""
    from fontTools.subset import Options, Subsetter  # type: ignore[import-not-found]  # needed only here
    from fontTools.ttLib import TTFont  # type: ignore[import-not-found]

    names = names_used()
    font = TTFont(WHOLE_FONT)
    if missing := set(names) - keep_ligatures(font, set(names)):
        raise SystemExit(f"The font has no icon named {', '.join(sorted(missing))}.")
    options = Options(flavor="woff2", layout_features=["*"], name_IDs=[0, 1, 13, 14], hinting=False)
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(names))
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(FONT)
    NAMES.write_text("".join(f"{name}\n" for name in names))


def keep_ligatures(font: Any, names: set[str]) -> set[str]:
    """Drop the ligatures of all other icons. Returns those that the font has."""
    characters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    found: set[str] = set()
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ligatures in list(table.ligatures.items()):
                spelled = {
                    "".join(characters.get(glyph, "?") for glyph in (first, *one.Component)): one for one in ligatures
                }
                kept = {name: one for name, one in spelled.items() if name in names}
                found |= kept.keys()
                table.ligatures[first] = list(kept.values())
    return found


if __name__ == "__main__":
    main()
