"""A file of any declared encoding becomes UTF-8, and a byte that is not valid stays visible and is not lost."""

import codecs

import pytest

from tabular.decoding import (
    DECLARABLE,
    UTF8,
    codec_of,
    declared,
    decode_head,
    keeps_ascii,
    original_bytes,
    utf8_length,
    utf8_stream,
    zero_bytes,
)
from tabular.refusals import RecognitionError

#: Texts that the encoding has, with what is special in it.
TEXTS = {
    "cp932": "表ソ能,①㈱髙﨑ⅲ,ｱｲｳﾞ,～\n",
    "shift_jis": "表ソ能,ｱｲｳﾞ\n",
    "euc_jp": "表ソ能,ｱｲｳﾞ,鷗\n",
    "iso2022_jp": "表ソ能\nabc\n",
    "cp1252": "Straße,œuvre,“5 €”\n",
    "latin-1": "Straße,élève\n",
    "iso8859-15": "5 €,œuvre\n",
    "cp1250": "żółty,Łódź\n",
    "cp1251": "Москва\n",
    "gb18030": "北京,㐀,😀\n",
    "big5": "臺北,功許蓋\n",
    "euc_kr": "서울\n",
}


@pytest.mark.parametrize("encoding", DECLARABLE)
def test_each_encoding_becomes_utf8_however_it_is_cut(encoding: str) -> None:
    text = TEXTS.get(encoding, "表ソ,é,😀\n") * 3
    encoded = text.encode(encoding)
    for size in (1, 7, 1000):
        blocks = [encoded[start : start + size] for start in range(0, len(encoded), size)]
        name = "utf-8" if encoding in UTF8 else encoding
        stream = b"".join(utf8_stream(blocks, name, skip=0))
        assert stream.decode("utf-8-sig") == text
        assert original_bytes(text.encode(), encoding).decode(encoding.replace("utf-8-sig", "utf-8")) == text
    head = decode_head(encoded, encoding, complete=True)
    start = utf8_length(head[:3], encoding)
    assert b"".join(utf8_stream([encoded], encoding, skip=start)).decode() == text[3:]


@pytest.mark.parametrize(
    ("encoding", "raw", "text"),
    [
        ("cp932", b"1,\x81,\x82\xa0\n", "1,\udc81,あ\n"),
        ("cp932", b'1,"\x81"\n2', '1,"\udc81"\n2'),
        ("euc_jp", b"1,\xa4\n\xa4\xa2", "1,\udca4\nあ"),
        ("cp1252", b"1,\x81\x9d,\xe9", "1,\udc81\udc9d,é"),
        ("utf-16-le", b"1\0\0\xd8\n\0", "1\udc00\udcd8\n"),
        ("utf-16-be", b"\0\n\xdc\0\0\n", "\n\udcdc\udc00\n"),
        ("utf-32-le", b"1\0\0\0\xff\xff\xff\xff", "1\udcff\udcff\udcff\udcff"),
        ("gb18030", b"\xff1", "\udcff1"),
        ("gb18030", b"\xff1,2\n", "\udcff1,2\n"),
        ("euc_kr", b"\xa4\xd4\n1,2\n", "\udca4\udcd4\n1,2\n"),
        ("euc_jp", b"1\x8f\xa1", "1\udc8f\udca1"),
        ("iso2022_jp", b"1,\x1b$BF|-,\x1b(B,2\n", "1,日\udc2d\udc2c,2\n"),
        ("iso2022_jp", b'1,\x1b$B-"F|\x1b(B\n', "1,\udc2d\udc22日\n"),
        ("iso2022_jp", b"1,\x1b$B-!F|\x1b(B\n", "1,\udc2d\udc21日\n"),
        ("iso2022_jp", b"1,\x1b$BF|-\x1b(B,2\n", "1,日\udc2d,2\n"),
        ("iso2022_jp", b"1,\x1b$B-\x1b(B\x1b$BF|\x1b(B\n", "1,\udc2d日\n"),
        ("iso2022_jp", b"1\xff,\x1b(I1\n", "1\udcff,\udc1b(I1\n"),
    ],
)
def test_bytes_that_are_not_valid_are_kept_and_stay_not_valid(encoding: str, raw: bytes, text: str) -> None:
    for size in (1, 2, 100):
        blocks = [raw[start : start + size] for start in range(0, len(raw), size)]
        stream = b"".join(utf8_stream(blocks, encoding, skip=0))
        assert stream.decode("utf-8", "surrogatepass") == text
        with pytest.raises(UnicodeDecodeError):
            stream.decode()
        assert original_bytes(stream, encoding) == raw


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_may_follow_a_unit_that_the_end_of_the_file_cuts_off(encoding: str) -> None:
    comma = ",".encode(encoding)
    stream = b"".join(utf8_stream(["1\n1あ".encode(encoding)[:-1]], encoding, skip=0))
    assert stream.startswith(b"1\n1\xed")
    again = original_bytes(stream, encoding) + comma
    assert again.endswith(comma)
    assert again.startswith("1\n1".encode(encoding))
    stream = b"".join(utf8_stream([again], encoding, skip=0))
    assert stream.startswith(b"1\n1\xed")
    assert stream.endswith(b",")


def test_a_refused_character_takes_no_line_break_along() -> None:
    stream = b"".join(utf8_stream([b"\x1b$B!\n1\n"], "iso2022_jp", skip=0))
    assert stream.count(b"\n") == 2


def test_the_blocks_of_utf8_are_handed_on_as_they_are() -> None:
    blocks = [b"\xef\xbb\xbfName\n", b"1\xff\n", b"2\n"]
    assert list(utf8_stream(blocks, "utf-8-sig", skip=8)) == blocks[1:]
    assert all(one is other for one, other in zip(utf8_stream(blocks, "utf-8", skip=0), blocks, strict=True))


def test_a_block_has_at_most_one_mebibyte() -> None:
    block = "ｱ".encode("cp932") * 1024 * 1024
    sizes = [len(one) for one in utf8_stream([block], "cp932", skip=0)]
    assert sum(sizes) == 3 * 1024 * 1024
    assert max(sizes) <= 1024 * 1024


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("us-ascii", "utf-8"),
        ("Windows-31J", "cp932"),
        ("MS932", "cp932"),
        ("x-sjis", "cp932"),
        ("Shift_JIS", "shift_jis"),
        ("EUC-JP", "euc_jp"),
        ("ISO-2022-JP", "iso2022_jp"),
        ("windows-1252", "cp1252"),
        ("ISO-8859-1", "latin-1"),
        ("GBK", "gb18030"),
        ("utf-16le", "utf-16-le"),
    ],
)
def test_the_names_of_iana_are_known(name: str, codec: str) -> None:
    assert codec_of(name) == codec


@pytest.mark.parametrize("name", ["", "rot13", "utf-7", "mac_roman", "no\0name", "日本", "x" * 300])
def test_other_encodings_are_refused_with_the_list(name: str) -> None:
    with pytest.raises(RecognitionError) as caught:
        codec_of(name)
    assert caught.value.code == "unknown-encoding"
    assert caught.value.detail.startswith(f"The encoding {name!a} is not accepted. Accepted are utf-8, utf-8-sig, ")


@pytest.mark.parametrize(
    ("name", "head", "codec", "reason"),
    [
        ("utf-8", b"a", "utf-8", "The order declares utf-8."),
        ("utf-8-sig", b"a", "utf-8", "The order declares utf-8-sig."),
        (
            "utf-8",
            codecs.BOM_UTF8 + b"a",
            "utf-8-sig",
            "The order declares utf-8, and the file has the byte order mark of utf-8.",
        ),
        ("utf-16-be", b"\xfe\xff\0a", "utf-16", "and the file has the byte order mark of utf-16-be."),
        (
            "utf-16",
            b"\0a\0b",
            "utf-16-be",
            "The order declares utf-16, and the file, which has no byte order mark, is read as utf-16-be.",
        ),
        ("utf-16", "商品".encode("utf-16-le"), "utf-16-le", "is read as utf-16-le."),
        ("utf-32", "a,b".encode("utf-32-be"), "utf-32-be", "is read as utf-32-be."),
    ],
)
def test_a_declaration_goes_together_with_the_mark(name: str, head: bytes, codec: str, reason: str) -> None:
    found = declared(name, head)
    assert (found.name, found.source) == (codec, "declared")
    assert found.reason.endswith(reason)


@pytest.mark.parametrize(
    ("name", "head", "advice"),
    [
        ("cp932", codecs.BOM_UTF8 + b"a", "byte order mark of utf-8. Declare utf-8-sig, or nothing."),
        ("utf-8", codecs.BOM_UTF16_LE + b"a\0", "byte order mark of utf-16-le. Declare utf-16, or nothing."),
        ("utf-16-le", codecs.BOM_UTF16_BE + b"\0a", "byte order mark of utf-16-be. Declare utf-16, or nothing."),
    ],
)
def test_a_declaration_against_the_mark_is_refused(name: str, head: bytes, advice: str) -> None:
    with pytest.raises(RecognitionError) as caught:
        declared(name, head)
    assert caught.value.code == "encoding-ambiguous"
    assert caught.value.detail == f"The order declares {name}, but the file begins with the {advice}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_zero_bytes_tell_the_encoding(encoding: str) -> None:
    assert zero_bytes("Order number,商品名\n1,表\n".encode(encoding)) == encoding
    assert zero_bytes("Order number,商品名\n1,表\n".encode()) is None
    assert zero_bytes(b"Order number,\0\0\0\0,x\n") is None


def test_ascii_stays_in_all_but_one_of_eight_bits() -> None:
    assert [name for name in DECLARABLE if not keeps_ascii(name)] == [
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
        "iso2022_jp",
    ]
