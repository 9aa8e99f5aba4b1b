"""The line with the headings is found, and the delimiter under which they are headings."""

import pytest

from tabular.heading_line import HeadingLine, find_heading_line
from tabular.headings import KnownHeadings
from tabular.refusals import RecognitionError

KNOWN = KnownHeadings({"number": ("Order number",), "name": ("Name",), "price": ("Price, net",)})


def find(text: str, *, delimiter: str | None = None, complete: bool = True) -> HeadingLine:
    return find_heading_line(text, complete=complete, known=KNOWN, delimiter=delimiter)


@pytest.mark.parametrize(
    ("text", "delimiter", "line", "rest"),
    [
        ("Order number,Name\n1,x\n", ",", 1, "1,x\n"),
        ("Order number;Name;Price, net\r\n1;x", ";", 1, "1;x"),
        ("Name\tOrder number\r1\tx", "\t", 1, "1\tx"),
        ('"Name"|"Order number"', "|", 1, ""),
        ("\ufeffsep=;\r\nName;Order number\r\n1;x", ";", 2, "1;x"),
        ('"SEP=|"\nName|Order number\n', "|", 2, ""),
        ("sep=;;;\nName;;\n", ";", 2, ""),
        ("sep=;\nName\n1,5", ";", 2, "1,5"),
        ("sep=;\nName,Order number\n", ",", 2, ""),
        ("sep=^\nName^Order number\n", "^", 2, ""),
        ("Orders, March\n\nName;Order number\n", ";", 3, ""),
        ("t\n" * 10 + "Name,Order number\n", ",", 11, ""),
        ('"Order\nnumber","Na\r\nme",Name\r\n1', ",", 1, "1"),
        ("Name,Foo\nOrder number,Name\n1,x", ",", 2, "1,x"),
        ("Name,Foo\nOrder number,Bar\n1,x", ",", 1, "Order number,Bar\n1,x"),
        ("Foo,Bar,Baz\na,b,Name\n", ",", 1, "a,b,Name\n"),
        ("Foo,Bar,Baz\na,Order number,Name\n", ",", 2, ""),
        ("Title\nName,,,\n", ",", 2, ""),
        ("Name\n1\n", ",", 1, "1\n"),
        ("Name\n1,5\n2;0\n", "\t", 1, "1,5\n2;0\n"),
        ("Foo;Bar\n1,2,3,4\n", ";", 1, "1,2,3,4\n"),
    ],
)
def test_headings_and_delimiter(text: str, delimiter: str, line: int, rest: str) -> None:
    found = find(text)
    assert (found.delimiter, found.line) == (delimiter, line)
    assert text[found.end :] == rest
    assert found.first_line == 1 + len(text[: found.end].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1])
    assert text[: found.end].endswith(found.line_end)


def test_a_declared_delimiter_wins() -> None:
    assert find("Name;Foo,Order number\n", delimiter=",").cells == ("Name;Foo", "Order number")
    assert find("Name~Order number\n", delimiter="~").cells == ("Name", "Order number")
    assert find("sep=;\nName,x\n", delimiter=",").delimiter == ","


def test_quotation_marks_are_read_by_rfc_4180() -> None:
    assert find('"Na""me",Name,"",\n').cells == ('Na"me', "Name", "", "")


@pytest.mark.parametrize(("text", "skipped"), [("Name\n", 0), ("sep=,\nName\n", 0), ("sep=,\nt\n\nName\n", 2)])
def test_the_line_of_the_delimiter_is_not_among_those_skipped(text: str, skipped: int) -> None:
    assert find(text).skipped == skipped


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        (
            'Title\nName,Size 5",Order number\n1,2,3\n',
            "stray-quote",
            "Line 2, the heading line, has a quotation mark in the middle of a heading. Put the whole heading in "
            "quotation marks, and double the mark within it.",
        ),
        ('Name,"Order number"x\n', "stray-quote", "Line 1, the heading line"),
        (
            'Name,"Order number\n1,2\n',
            "unterminated-quote",
            "The headings begin in line 1, and a quotation mark among them is never closed. Close it.",
        ),
        ("sep=;\n\n", "empty-file", "The file has no heading line. Upload a file with headings and rows."),
        ("\n" * 11 + "Name\n", "empty-file", "The first 11 lines are blank. Let the headings be the first line."),
        ('sep="\nName\n', "", ""),
        ("sep=、\nName、x\n", "unknown-delimiter", '"、" cannot be a delimiter.'),
    ],
)
def test_what_is_no_heading_line_is_named(text: str, code: str, detail: str) -> None:
    if not code:
        assert find(text).skipped == 1
        return
    with pytest.raises(RecognitionError) as caught:
        find(text)
    assert caught.value.code == code
    assert detail in caught.value.detail


@pytest.mark.parametrize("delimiter", ["", "||", "、", '"', "\n", "a", "0", "\0", "."])
def test_a_delimiter_is_one_byte(delimiter: str) -> None:
    with pytest.raises(RecognitionError, match="Use a comma, a semicolon, a tab or a vertical bar") as caught:
        find("Name\n", delimiter=delimiter)
    assert caught.value.code == "unknown-delimiter"


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("Name," + "x" * 1024 * 1024 + "\n1\n", True),
        ("Name," + "商" * 350_000 + "\n1\n", True),
        ('Name,"' + "x" * 2000, False),
        ("Name,x", False),
        ("Name,x\r", False),
    ],
)
def test_a_heading_line_has_at_most_one_mebibyte(text: str, complete: bool) -> None:
    with pytest.raises(RecognitionError, match="The heading line, line 1, is longer than 1 MiB") as caught:
        find(text, complete=complete)
    assert caught.value.code == "record-too-long"
    assert len(find("Name," + "x" * 1_000_000 + "\n").cells[1]) == 1_000_000
