"""Each record that is asked for, and each invalid one, has the lines and the byte at which the stored file has it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular.decoding import bytes_of, text_of, utf8_stream
from tabular.locating import Located, locate, stored_start
from tabular.scanner import scan
from tests.support.strict_csv import OpenQuoteError, line_at, read_strictly

FILE = b'h,i\na,b\n"1\n2",x\n\nbad\nc,"d""\r\n"\n5"\xe9,\ne,f'


def test_a_record_has_its_lines_its_byte_and_its_text() -> None:
    parts = scan([FILE[4:]], delimiter=",", width=2, line=2, byte=4)
    assert list(locate(parts, [1, 2, 2, 3, 4, 5, 7])) == [
        Located(1, 2, 2, 4, b"a,b\n", ""),
        Located(2, 3, 4, 8, b'"1\n2",x\n', ""),
        Located(3, 5, 5, 16, b"\n", ""),
        Located(4, 6, 6, 17, b"bad\n", "missing-cells"),
        Located(5, 7, 8, 21, b'c,"d""\r\n"\n', ""),
        Located(6, 9, 9, 31, b'5"\xe9,\n', "stray-quote"),
        Located(7, 10, 10, 36, b"e,f", ""),
    ]
    parts = scan([FILE[4:]], delimiter=",", width=2, line=2, byte=4)
    assert [located.record for located in locate(parts, [])] == [4, 6]


@pytest.mark.parametrize("wanted", [[8], [2, 1], [0]])
def test_a_number_that_no_record_can_have_is_refused(wanted: list[int]) -> None:
    with pytest.raises(ValueError, match="record"):
        list(locate(scan([FILE[4:]], delimiter=",", width=2), wanted))


@pytest.mark.parametrize(
    ("encoding", "damage"),
    [
        ("utf-8", b"\xff"),
        ("utf-8-sig", b"\xe3\x81"),
        ("cp932", b"\xfc\xfc"),
        ("euc_jp", b"\xff"),
        ("cp1252", b"\x81"),
        ("utf-16", b"\0\xd8"),
        ("utf-16-be", b"\xd8\0"),
        ("iso2022_jp", b"\x1b$B-,\x1b(B"),
        ("iso2022_jp", b'\x1b$BF|-"F|\x1b(B'),
        ("iso2022_jp", b"\xff"),
    ],
)
def test_the_byte_is_that_of_the_stored_file(encoding: str, damage: bytes) -> None:
    letter = "é" if encoding == "cp1252" else "表"
    heading, good, bad = f"{letter},i\r\n", f'"{letter}\n",b\r\n', f"{letter},"
    first = (heading + good).encode(encoding)
    plain = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    stored = first + bad.encode(plain) + damage + "\r\n".encode(plain) + (good * 2).encode(plain)
    begin = len(b"".join(utf8_stream([heading.encode(encoding)], encoding, skip=0)))
    start = stored_start([stored], encoding=encoding, start_byte=begin)
    assert start == len(heading.encode(encoding))
    parts = scan(utf8_stream([stored], encoding, skip=begin), delimiter=",", width=2, line=2, byte=begin, block_bytes=5)
    valid, invalid, last = locate(parts, [1, 4], encoding=encoding, first_byte=start)
    assert (valid.line, valid.end_line, valid.byte) == (2, 3, start)
    assert (invalid.line, invalid.byte, invalid.code) == (4, len(first), "invalid-bytes")
    assert (last.line, last.end_line) == (7, 8)
    assert last.byte == len(stored) - len(good.encode(plain))
    text = text_of(invalid.raw, encoding)
    assert bytes_of(text, encoding) == bad.encode(plain) + damage + "\r\n".encode(plain)


@given(
    st.lists(st.sampled_from([",", '"', "\r", "\n", "\r\n", "a", "\0", 'a,b\n"x\r","y"\r\n']), max_size=30),
    st.integers(1, 2),
    st.integers(0),
)
@settings(max_examples=100, deadline=None)
def test_the_places_are_those_that_a_reader_counts(pieces: list[str], width: int, seed: int) -> None:
    data = "".join(pieces).encode()
    try:
        records = read_strictly(data, width=width)
    except OpenQuoteError as error:
        data = data[: error.args[0]]
        records = read_strictly(data, width=width)
    chance = random.Random(seed)
    wanted = [record.number for record in records if chance.random() < 0.3]
    found = list(locate(scan([data], delimiter=",", width=width, block_bytes=chance.choice([4, 1000])), wanted))
    expected = [record for record in records if record.number in wanted or record.cells is None]
    assert [(each.record, each.line, each.end_line, each.byte, each.raw) for each in found] == [
        (record.number, record.line, record.end_line, record.byte, record.raw) for record in expected
    ]
    assert [bool(each.code) for each in found] == [record.cells is None for record in expected]
    assert all(each.end_line == line_at(data, each.byte + len(each.raw.rstrip(b"\r\n"))) for each in found)
