"""Places in the UTF-8 stream of a file are found in the stored file, to the byte."""

import pytest

from tabular.offsets import UnknownOffsetError, stored_offsets


@pytest.mark.parametrize("encoding", ["cp932", "utf-16", "utf-32-be", "gb18030", "iso2022_jp", "utf-8"])
@pytest.mark.parametrize("size", [1, 7, 50_000])
def test_the_end_of_each_line_is_found(encoding: str, size: int) -> None:
    lines = ["表,ソ\n", "abc\n", "\n", "ｱ" * 9_000 + "\n", "é\n" if encoding in ("utf-16", "gb18030") else "e\n"]
    if encoding == "iso2022_jp":
        lines[3] = "表" * 9_000 + "\n"
    stored = "".join(lines).encode(encoding)
    blocks = [stored[at : at + size] for at in range(0, len(stored), size)]
    ends = ["".join(lines[: number + 1]) for number in range(len(lines))]
    found = list(stored_offsets(blocks, [len(end.encode()) for end in ends], encoding=encoding))
    assert found == [len(end.encode(encoding)) for end in ends]


def test_a_place_within_a_character_or_behind_the_end_is_refused() -> None:
    stored = ["表\n".encode("cp932")]
    assert list(stored_offsets(stored, [3, 3, 4], encoding="cp932")) == [2, 2, 3]
    for place in (2, 5):
        with pytest.raises(UnknownOffsetError):
            list(stored_offsets(stored, [place], encoding="cp932"))


def test_no_text_can_begin_within_double_byte_mode() -> None:
    stored = [b"\x1b$BI=\nI=\x1b(B\n"]
    with pytest.raises(UnknownOffsetError):
        list(stored_offsets(stored, [4], encoding="iso2022_jp"))
    assert list(stored_offsets(stored, [8], encoding="iso2022_jp")) == [len(stored[0])]
