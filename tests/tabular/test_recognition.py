"""Which file it is: encoding, delimiter and columns, never by a guess that nobody is told of."""

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tabular.recognition import RecognitionError, Recognized, recognize, utf8_blocks

KNOWN = {
    "number": ("Order number", "注文番号", "Auftragsnummer", "Numéro de commande"),
    "name": ("Name", "商品名", "Größe", "Élément"),
    "price": ("Price", "価格", "ｶｶｸ", "ﾊｲ"),
}
ASCII_LINE = "Order number,Name\n"
TRIED = "cp932, euc_jp, cp1252 and latin-1"


def blocks_of(data: bytes, size: int = 1000) -> Callable[[], Iterable[bytes]]:
    return lambda: (data[start : start + size] for start in range(0, len(data), size))


def recognized(data: bytes, *, size: int = 1000, required: Sequence[str] = ("number",), **options: Any) -> Recognized:
    return recognize(blocks_of(data, size), known=KNOWN, required=required, **options)


def rows(data: bytes, found: Recognized, size: int = 1000) -> str:
    return b"".join(utf8_blocks(blocks_of(data, size)(), found)).decode()


def refused(data: bytes, **options: Any) -> RecognitionError:
    with pytest.raises(RecognitionError) as caught:
        recognized(data, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "written", "encoding", "source", "reason"),
    [
        ("Order number\n1\n", "ascii", "utf-8", "utf-8", "The whole file is plain ASCII, which is valid UTF-8."),
        ("Order number\n\n", "ascii", "utf-8", "utf-8", "The whole file is plain ASCII, which is valid UTF-8."),
        ("注文番号\n表\n", "utf-8", "utf-8", "utf-8", "The whole file is valid UTF-8."),
        ("注文番号\n表\n", "utf-8-sig", "utf-8-sig", "bom", "The file begins with the byte order mark of utf-8."),
        ("注文番号\n表\n", "utf-16", "utf-16", "bom", "The file begins with the byte order mark of utf-16-le."),
        ("注文番号\n表\n", "utf-32", "utf-32", "bom", "The file begins with the byte order mark of utf-32-le."),
        (
            "注文番号\n一\n",
            "utf-16-be",
            "utf-16-be",
            "detected",
            "The file has zero bytes as utf-16-be has them, and the headings match.",
        ),
        ("Order number,Name\n\u3000一\u4f00,\u4e00\n", "utf-16-le", "utf-16-le", "detected", ""),
        (
            "注文番号\n表ソ能①㈱髙ｱｲｳ\n",
            "cp932",
            "cp932",
            "detected",
            f"Of {TRIED}, only cp932 fits the headings and the whole file.",
        ),
        ("注文番号,ｶｶｸ\nﾊｲ,ﾈｺ\n", "cp932", "cp932", "detected", ""),
        ("Order number,ｶｶｸ\n1,ﾊﾟﾝ\n", "cp932", "cp932", "detected", ""),
        ("Order number,ﾊｲ\n1,ﾈｺ\n", "cp932", "cp932", "detected", ""),  # these bytes are valid UTF-8
        (
            "注文番号\n表ソ能鷗ｱｲｳ\n",
            "euc_jp",
            "euc_jp",
            "detected",
            f"Of {TRIED}, only euc_jp fits the headings and the whole file.",
        ),
        (
            "Auftragsnummer;Größe\n1;5 €\n",
            "cp1252",
            "cp1252",
            "detected",
            f"Of {TRIED}, only cp1252 fits the headings and the whole file.",
        ),
        ("Numéro de commande;Élément\n1;forêt\n", "latin-1", "cp1252", "detected", ""),
        (
            f"{ASCII_LINE}1,élève\n2,œuvre\n",
            "cp1252",
            "cp1252",
            "detected",
            f"Of {TRIED}, cp1252 gives by far the most orderly text.",
        ),
        (f"{ASCII_LINE}1,Müller\n", "latin-1", "cp1252", "detected", f"Of {TRIED}, only cp1252 fits the whole file."),
        (f"{ASCII_LINE}1,東京の店\n2,テスト商品\n", "cp932", "cp932", "detected", ""),
        (f"{ASCII_LINE}1,東京の店\n2,テスト商品です\n3,大きいりんご\n", "euc_jp", "euc_jp", "detected", ""),
    ],
)
def test_the_encoding_and_why(text: str, written: str, encoding: str, source: str, reason: str) -> None:
    data = text.encode(written)
    for size in (1, 1000):
        found = recognized(data, size=size)
        assert (found.encoding, found.encoding_source) == (encoding, source)
        assert reason in found.encoding_reason
        assert rows(data, found, size) == text.partition("\n")[2]
        assert found.first_line == 2
        likely = (
            source == "detected" and text.isascii() is False and text.startswith(ASCII_LINE) and written[:3] != "utf"
        )
        assert [one.code for one in found.warnings] == ["encoding-detected"] * likely


@pytest.mark.parametrize(
    ("text", "written", "candidates"),
    [
        (f"{ASCII_LINE}1,éa\n", "cp1252", ["cp932", "cp1252"]),
        (f"{ASCII_LINE}1,商品です\n", "euc_jp", ["cp932", "euc_jp", "cp1252"]),
        (f"{ASCII_LINE}1,żółty\n", "cp1250", ["cp932", "cp1252"]),
        (f"{ASCII_LINE}1,żółty\n2,chrząszcz\n3,Łódź\n", "cp1250", ["cp1252"]),
        (f"{ASCII_LINE}1,Москва\n2,Владивосток\n", "cp1251", ["cp1252"]),
        (f"{ASCII_LINE}1,서울\n2,부산\n", "euc_kr", ["euc_jp"]),
        (f"{ASCII_LINE}1,東京\n", "iso2022_jp", ["iso2022_jp", "utf-8"]),
    ],
)
def test_what_stays_open_is_refused_with_the_candidates(text: str, written: str, candidates: list[str]) -> None:
    error = refused(text.encode(written))
    assert error.code == "encoding-ambiguous"
    assert all(re.search(rf"\b{name}\b", error.detail) for name in candidates)


def test_the_candidates_show_cells() -> None:
    error = refused(f"{ASCII_LINE}1,商品です\n2,テスト\n3,x\n".encode("euc_jp"))
    assert error.detail == (
        "The file may be in one of several encodings: cp932 gives ｾｦﾉﾊ､ﾇ､ｹ, ･ﾆ･ｹ･ﾈ; euc_jp gives 商品です, テスト; "
        "cp1252 gives ¾¦ÉÊ¤Ç¤¹, ¥Æ¥¹¥È. Declare the encoding that reads right."
    )


def test_five_bad_rows_do_not_change_the_encoding_of_a_file() -> None:
    good = "".join(f"{number},商品\n" for number in range(20)).encode()
    data = ASCII_LINE.encode() + good + "21,café\n".encode("cp1252") * 5
    found = recognized(data)
    assert (found.encoding, found.encoding_source) == ("utf-8", "utf-8")
    sentence = "The file is UTF-8 but for 5 bytes, which are not valid in it."
    assert found.encoding_reason == sentence
    [warning] = found.warnings
    detail = f"{sentence} The rows that have them are rejected."
    assert (warning.code, warning.detail) == ("mixed-encodings", detail)
    assert b"".join(utf8_blocks([data], found)) == data[len(ASCII_LINE) :]


def test_a_row_of_utf8_in_a_file_of_cp1252_is_not_garbled_in_silence() -> None:
    data = "Auftragsnummer;Größe\n1;Öl\n".encode("cp1252") + "2;Straße\n".encode()
    error = refused(data)
    assert "several encodings: utf-8 gives " in error.detail
    assert "; cp1252 gives Größe, Öl, StraÃŸe. Declare" in error.detail


def test_half_and_half_is_refused() -> None:
    data = f"{ASCII_LINE}1,Größe\n".encode() + "2,café\n3,Größe\n4,Öl\n".encode("cp1252")
    error = refused(data)
    assert error.code in ("encoding-ambiguous", "unknown-encoding")


def test_a_file_that_is_cp932_but_for_a_byte_says_where() -> None:
    data = "注文番号\n表\n".encode("cp932") + b"\x81\n"
    error = refused(data)
    assert error.code == "unknown-encoding"
    assert error.detail == (
        f"The encoding is unknown: the file is not valid in UTF-8 nor, as a whole, in {TRIED}. The headings are cp932, "
        "but byte 12 and perhaps others are not. Declare cp932 to have the rows with such bytes named, or save the "
        "file as UTF-8."
    )
    assert recognized(data, encoding="cp932").encoding == "cp932"


def test_a_file_in_none_of_the_encodings_must_say_what_it_is() -> None:
    assert refused(b"Order number\n\xff\x81\n").detail == (
        f"The encoding is unknown: the file is not valid in UTF-8 nor, as a whole, in {TRIED}. Save it as UTF-8, or "
        "declare its encoding."
    )


def test_declared_encodings() -> None:
    assert recognized("注文番号\n表\n".encode("cp932"), encoding="windows-31j").encoding == "cp932"
    assert recognized("Order number\n〜\n".encode("shift_jis"), encoding="Shift_JIS").encoding == "shift_jis"
    found = recognized("注文番号\n①\n".encode("cp932"), encoding="Shift_JIS")
    assert found.encoding == "cp932"
    assert found.encoding_reason == (
        "The order declares shift_jis, and the file is read as cp932, Windows' superset of it, because it has bytes "
        "that shift_jis lacks."
    )
    assert refused(b"Order number\n", encoding="klingon").code == "unknown-encoding"
    assert refused("注文番号\n".encode("cp932"), encoding="utf-8").code == "unknown-headings"
    data = b"Order number,Name\n1,\xff\n"
    assert b"".join(utf8_blocks([data], recognized(data, encoding="utf-8"))) == b"1,\xff\n"


def test_the_place_of_the_first_record() -> None:
    head = 'sep=;\r\nTitle\r\n\r\n"Order\r\nnumber";Foo;;\r\n'
    data = codecs.BOM_UTF8 + f"{head}1;2;;\r\n".encode()
    found = recognized(data)
    assert (found.first_line, found.start_byte, found.line_end) == (6, 3 + len(head), "\r\n")
    assert rows(data, found) == "1;2;;\r\n"
    assert found.headings == ("Order\r\nnumber", "Foo", "", "")
    assert (found.positions, found.unknown, found.blank) == ({"number": 0}, ("Foo",), (2, 3))
    assert found.to_json() == {
        "encoding": "utf-8-sig",
        "encodingSource": "bom",
        "encodingReason": "The file begins with the byte order mark of utf-8.",
        "delimiter": ";",
        "headings": ["Order\r\nnumber", "Foo", "", ""],
        "unknownColumns": ["Foo"],
        "warnings": [
            {
                "code": "preamble-skipped",
                "detail": "The headings are in line 4. 2 lines were skipped before them.",
            },
            {"code": "unknown-column", "detail": 'The column "Foo" is not known and is ignored.'},
            {
                "code": "column-without-heading",
                "detail": "Columns 3, 4 have no heading. A row with a value there is rejected.",
            },
        ],
    }


def test_long_headings_are_cut_in_the_status() -> None:
    found = recognized(f"Order number,{'x' * 900_000}\n1,2\n".encode())
    assert [len(heading) for heading in found.headings] == [12, 900_000]
    assert found.to_json()["headings"] == ["Order number", f"{'x' * 99}…"]
    assert len(str(found.to_json())) < 1000


@pytest.mark.parametrize(
    ("data", "options", "code"),
    [
        (b"", {}, "empty-file"),
        (b" \r\n" * 2_000_000, {}, "empty-file"),
        (b"PK\x03\x04" + bytes(100), {}, "not-csv"),
        (b"Foo,Bar\n", {}, "unknown-headings"),
        (b"Name,Price\n", {}, "missing-column"),
        (b"Order number,Name,name\n", {}, "duplicate-column"),
        (b'Order number,Na"me\n', {}, "stray-quote"),
        (b'Order number,"Name\n1,2\n', {}, "unterminated-quote"),
        (b'Order number,"Name\n' + b"x" * 3_000_000, {}, "record-too-long"),
        (b"Order number," + b"x" * 3_000_000, {}, "record-too-long"),
        (b"Order number\n", {"delimiter": "||"}, "unknown-delimiter"),
    ],
)
def test_files_that_are_not_read(data: bytes, options: dict[str, Any], code: str) -> None:
    assert refused(data, size=1024 * 1024, **options).code == code


def test_headings_far_into_the_file_are_found() -> None:
    data = b"x" * 900_000 + b"\n" + "Order number,商品名,".encode() + b"y" * 200_000 + b"\n1,2,3\n"
    found = recognized(data, size=65536)
    assert (found.first_line, rows(data, found)) == (3, "1,2,3\n")
    crlf = b"Order number," + b"x" * (64 * 1024 - 14) + b"\r\n1,2\r\n"
    assert recognized(crlf).line_end == "\r\n"


def test_a_file_is_read_once_and_its_head_again() -> None:
    data = ASCII_LINE.encode() + "1,商品\n".encode() * 800_000
    read = 0

    def counted() -> Iterable[bytes]:
        nonlocal read
        for block in blocks_of(data, 1024 * 1024)():
            read += len(block)
            yield block

    recognize(counted, known=KNOWN, required=())
    assert read <= len(data) + 3 * 1024 * 1024


#: Characters of each encoding, without those that no cell has or that two encodings write alike.
ALPHABETS = {
    "cp932": "".join(
        character
        for start, end in ((0x81, 0xA0), (0xE0, 0xF0), (0xFA, 0xFD))
        for first in range(start, end)
        for second in range(0x40, 0xFD)
        for character in bytes((first, second)).decode("cp932", "ignore")
        if len(bytes((first, second)).decode("cp932", "ignore")) == 1
    )
    + "".join(map(chr, range(0xFF61, 0xFFA0))),
    "euc_jp": "".join(
        bytes((first, second)).decode("euc_jp", "ignore") for first in range(0xA1, 0xF5) for second in range(0xA1, 0xFF)
    ),
    "cp1252": bytes(range(0x80, 0x100)).decode("cp1252", "ignore"),
    "latin-1": bytes(range(0xA0, 0x100)).decode("latin-1"),
    "utf-8": "表éßя漢😀\u200b",
    "utf-16-le": "表éßя漢😀\u200b\u3000一Ā",
    "utf-16-be": "表éßя漢😀\u200b\u3000一Ā",
    "utf-8-sig": "表éß",
    "utf-16": "表éß",
}
OWN_HEADINGS = {"cp932": "注文番号,商品名", "euc_jp": "注文番号,商品名", "cp1252": "Numéro de commande,Größe"}
OWN_HEADINGS["latin-1"] = OWN_HEADINGS["cp1252"]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """An encoding, and the text of a file that has it and has headings of its language."""
    encoding = draw(st.sampled_from(sorted(ALPHABETS)))
    cells = st.text(st.sampled_from(ALPHABETS[encoding]) | st.sampled_from("ab1 .\\|~"), max_size=12)
    lines = draw(st.lists(st.tuples(cells, cells).map(",".join), max_size=8))
    headings = OWN_HEADINGS.get(encoding) or draw(st.sampled_from(sorted(OWN_HEADINGS.values())))
    return encoding, "\n".join([headings, *lines])


def is_recognized(encoding: str, text: str) -> bool:
    """Whether the file is read, and then as exactly this text; else it must be refused for its encoding."""
    data = text.encode(encoding)
    try:
        found = recognized(data)
    except RecognitionError as error:
        if error.code not in ("encoding-ambiguous", "unknown-encoding"):
            raise
        return False
    assert rows(data, found) == text.partition("\n")[2], found
    return True


@given(files())
@example(("cp1252", "Numéro de commande,Größe\n" + "Ã©" * 20 + ",é"))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_text_is_never_silently_different(file: tuple[str, str]) -> None:
    is_recognized(*file)


@pytest.mark.fuzz
@given(files())
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_text_is_never_silently_different_for_long(file: tuple[str, str]) -> None:
    is_recognized(*file)


KANJI = "日本語商品名東京大阪株式会社数量単価注文番号顧客住所電話氏田中鈴木佐藤高橋表示能予申十貼暴"
HIRAGANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをんがぎぐ"
KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンー"
#: Words as cells have them: whole ones, or characters to make some of.
WORDS = {
    "cp932": KANJI + HIRAGANA + KATAKANA,
    "shift_jis": KANJI,
    "euc_jp": KANJI + HIRAGANA + KATAKANA,
    "cp1252": ["Müller", "Straße", "Größe", "Äpfel", "für", "Köln", "schön", "Käse", "Bär", "Öl", "grün", "5 €"],
    "latin-1": ["élève", "café", "français", "été", "où", "dépôt", "hôtel", "garçon", "naïve", "Noël", "forêt", "déjà"],
    "iso8859-15": ["niño", "año", "señor", "corazón", "España", "jamón", "São Paulo", "ação", "maçã"],
}  # fmt: skip


@pytest.mark.parametrize("encoding", WORDS)
def test_words_below_headings_of_ascii_are_read_or_refused(encoding: str) -> None:
    random = Random(7)

    def cell() -> str:
        words = WORDS[encoding]
        return (
            "".join(random.choices(words, k=random.randint(1, 8))) if isinstance(words, str) else random.choice(words)
        )

    for count in (1, 3, 50):
        for _ in range(12):
            lines = [f"{random.randint(1, 99)},{cell()}\n" for _ in range(count)]
            read = is_recognized(encoding, ASCII_LINE + "".join(lines))
            assert read or count < 50
