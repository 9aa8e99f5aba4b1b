"""File names that every system takes, out of any text."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.files.filenames import LONGEST_NAME, LONGEST_NAME_BYTES, safe_filename

RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]|CONIN\$|CONOUT\$)", re.IGNORECASE)
TEXTS = st.text(max_size=200) | st.text('<>:"/\\|?*. -~\x00\n\u202e\ud800CONul1é', max_size=200)


@given(TEXTS, st.sampled_from(["", ".csv", ".csv.gz"]))
@example("CON", "")
@example("nul.txt", ".csv")
@example("com¹ . x", ".csv")
@example("売" * 200, ".csv.gz")
@example("x" * 115 + " . " + "y", ".csv")
@example("...", "")
def test_any_text_becomes_a_name_that_every_system_takes(stem: str, extension: str) -> None:
    name = safe_filename(stem, extension)
    assert 0 < len(name) <= LONGEST_NAME
    assert len(name.encode()) <= LONGEST_NAME_BYTES
    assert name.endswith(extension)
    assert not set(name) & set('<>:"/\\|?*')
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name)
    assert name[0] not in " .-~"
    assert name[-1] not in " ."
    assert not RESERVED.fullmatch(name.partition(".")[0].strip())
    assert unicodedata.is_normalized("NFC", name)
    assert safe_filename(name.removesuffix(extension), extension) == name


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("売上 2023", "売上 2023.csv"),
        ("Mu\u0308ller", "M\u00fcller.csv"),
        ("../../etc/passwd", "etc-passwd.csv"),
        ("a\tb\u2003c", "a b c.csv"),
        ("\u202egnp.exe", "gnp.exe.csv"),
        ("nul", "_nul.csv"),
        ("?", "file.csv"),
    ],
)
def test_what_may_stay_stays(stem: str, expected: str) -> None:
    assert safe_filename(stem, ".csv") == expected
