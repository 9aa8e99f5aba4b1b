"""A file with replaced records is the file with these bytes exchanged: in every encoding, delimiter and line end."""

import codecs
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular.headings import KnownHeadings
from tabular.recognition import find_format
from tabular.replacing import Changes, Cut, UnknownRecordError, cuts_for, spliced

NAMES = KnownHeadings({"code": ["Code"], "name": ["Name"]})
#: Encoding → its byte order mark, and the codec of the texts behind it.
ENCODINGS = {
    "utf-8": (b"", "utf-8"),
    "utf-8-sig": (codecs.BOM_UTF8, "utf-8"),
    "utf-16": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "utf-16-le": (b"", "utf-16-le"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le"),
    "cp932": (b"", "cp932"),
    "euc_jp": (b"", "euc_jp"),
    "iso2022_jp": (b"", "iso2022_jp"),
    "gb18030": (b"", "gb18030"),
}


def replaced(data: bytes, changes: Changes, *, encoding: str, delimiter: str = ",", size: int = 1000) -> bytes:
    def blocks() -> Iterator[bytes]:
        yield from (data[at : at + size] for at in range(0, len(data), size))

    form = find_format(blocks, NAMES, encoding=encoding, delimiter=delimiter)
    return b"".join(spliced(blocks(), cuts_for(blocks, form, changes)))


def lines_of(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, int, list[tuple[str, str]], Changes]:
    """Encoding, delimiter, size of blocks, the pieces of a file before and after, and the changes."""
    delimiter, line_end = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    cell = st.text(st.sampled_from("a表ソ 1"), max_size=3)
    quoted = st.text(st.sampled_from(f'a表\n\r{delimiter}"'), max_size=4)
    preamble = draw(st.sampled_from(["", f"Title{line_end}{line_end}"]))
    pieces = [(preamble, preamble)] if preamble else []
    heading = delimiter.join(("Code", "Name")) + line_end
    pieces.append((heading, heading))
    line, changes = 1 + lines_of(preamble + heading), dict[int, dict[int, str] | None]()
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["plain", "quoted", "short", "stray", "blank"]))
        name = draw(quoted).replace('"', '""')
        before = {
            "plain": f"{draw(cell)}{delimiter}{draw(cell)}",
            "quoted": f'"{name}"{delimiter}x',
            "short": "a1",
            "stray": f'5" pipe{delimiter}x',
            "blank": "",
        }[kind] + line_end
        after = before
        what = draw(st.sampled_from(["stays", "new", "left out", "empty"])) if kind != "blank" else "stays"
        if what == "left out":
            changes[line], after = None, ""
        elif what == "new":
            text = draw(cell) or "b"
            changes[line] = {0: text, 1: f"c{delimiter}"}
            after = f'{text}{delimiter}"c{delimiter}"{line_end}'
        elif what == "empty":
            changes[line] = {}
            mended = {"short": f"a1{delimiter}", "stray": f'"5"" pipe"{delimiter}x'}
            after = mended[kind] + line_end if kind in mended else before
        pieces.append((before, after))
        line += lines_of(before)
    if draw(st.booleans()) and len(pieces[-1][0]) > len(line_end):
        before, after = pieces.pop()
        pieces.append((before[: -len(line_end)], after[: -len(line_end)] if after else ""))
    return draw(st.sampled_from(list(ENCODINGS))), delimiter, draw(st.integers(4, 60)), pieces, changes


@settings(max_examples=150, deadline=None)
@given(files())
def test_the_file_is_as_before_except_for_the_replaced_records(
    file: tuple[str, str, int, list[tuple[str, str]], Changes],
) -> None:
    encoding, delimiter, size, pieces, changes = file
    mark, codec = ENCODINGS[encoding]
    before, after = (mark + b"".join(piece[side].encode(codec) for piece in pieces) for side in (0, 1))
    assert replaced(before, changes, encoding=encoding, delimiter=delimiter, size=size) == after


@pytest.mark.parametrize(
    ("encoding", "odd"),
    [
        ("cp932", b"\xed\x40"),  # 纊, which Windows writes as FA 5C
        ("iso2022_jp", b"\x1b$BI=\x1b(B\x1b$BI=\x1b(B"),
        ("utf-8", b"\xff"),
        ("utf-16", b"\x00\xd8"),
    ],
)
def test_what_the_encoding_would_write_in_another_way_stays(encoding: str, odd: bytes) -> None:
    codec = {"utf-16": "utf-16-le"}.get(encoding, encoding)
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16" else b""
    odd_record = "a,".encode(codec) + odd + "\n".encode(codec)
    heading, bad, good = ("Code,Name\n".encode(codec), "b,表\n".encode(codec), "c,ソ\n".encode(codec))
    if encoding == "utf-8":
        good = good.replace(b"c", b"c\x83")
    data = mark + heading + odd_record + bad + odd_record
    expected = mark + heading + odd_record + "c,表\n".encode(codec) + odd_record
    assert replaced(data, {3: {0: "c"}}, encoding=encoding, size=8) == expected


def test_surplus_cells_that_were_emptied_are_removed() -> None:
    data = b"Code,Name\na,b,c\nd,e,f,g\n"
    assert replaced(data, {2: {1: "b, c", 2: ""}, 3: {3: ""}}, encoding="utf-8") == b'Code,Name\na,"b, c"\nd,e,f\n'


@pytest.mark.parametrize("line", [1, 3, 9])
def test_a_line_in_which_no_record_begins_is_refused(line: int) -> None:
    with pytest.raises(UnknownRecordError, match=f"line {line}"):
        replaced(b'Code,Name\n"a\nb",c\nd,e\n', {line: None}, encoding="utf-8")


def test_a_file_is_read_no_farther_than_its_last_changed_record_to_find_it() -> None:
    read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        yield b"Code,Name\na,b\nc,d\n"
        for _ in range(10_000):
            read += 1
            yield b"e,f\n" * 1000

    form = find_format(lambda: [b"Code,Name\na,b\nc,d\n"], NAMES, encoding="utf-8", delimiter=",")
    assert cuts_for(blocks, form, {3: {0: "x"}}) == [Cut(14, 18, b"x,d\n")]
    assert read < 300
