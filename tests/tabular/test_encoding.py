"""Chunks in the encoding of an order are the same bytes as the whole text in it."""

import pytest

from tabular.dialect import ENCODINGS, Dialect
from tabular.encoding import Encoder, UnencodableError
from tabular.rows import Rows

#: Chunks with and without other characters than ASCII's, in turns.
CHUNKS = ("name\n", "~\\a\n", "é\n" * 2, "b\n", "ü\n", "c\x00\x7f\n")
JAPANESE = ("名前\n", "~\\a\n", "髙\n" * 2, "b\n", "ｱ\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_chunks_become_the_bytes_of_the_whole(encoding: str) -> None:
    chunks = CHUNKS if encoding == "latin-1" else JAPANESE
    encoder = Encoder(Dialect(encoding=encoding, errors="replace"), ["name"])
    encoded = b"".join(encoder.encode(Rows(chunk.encode(), chunk.count("\n"))) for chunk in chunks)
    assert encoded == "".join(chunks).encode(encoding, "replace")


def test_the_row_of_a_lacking_character_is_counted_over_chunks_and_line_breaks() -> None:
    encoder = Encoder(Dialect(encoding="cp932"), ["id", "text"])
    encoder.encode(Rows(b"id,text\n", 1))
    encoder.encode(Rows(b"1,a\n2,b\n", 2))
    encoder.encode(Rows("3,髙\n".encode(), 1))
    with pytest.raises(UnencodableError) as raised:
        encoder.encode(Rows('4,"a\n""b"\n5,"c\n🚚"\n'.encode(), 2))
    assert str(raised.value) == "Row 5, column text: the encoding cp932 lacks the character '🚚' (U+1F69A)."
