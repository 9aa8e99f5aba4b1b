"""Bodies with a content coding: decoded in pieces, whole or not at all."""

import gzip
import random
import sys
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.http.problems import ProblemError
from uploads.api.codings import PIECE_BYTES, decoded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
CSV = b"Code,Name\r\n" * 1000


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@settings(max_examples=25)
@given(content=st.lists(st.binary(max_size=300), min_size=1, max_size=3), size=st.integers(1, 50))
@pytest.mark.parametrize("coding", PACK)
def test_members_and_frames_may_follow_each_other_and_be_cut_anywhere(
    coding: str, content: list[bytes], size: int
) -> None:
    body = b"".join(map(PACK[coding], content))
    assert b"".join(decoded(pieces(body, size), coding)) == b"".join(content)


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-1],
        lambda body: b"",
        lambda body: body + b"x",
        lambda body: body + b"\0" * 10,
        lambda body: b"Code,Name\r\n",
        lambda body: body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 255]) + body[len(body) // 2 + 1 :],
    ],
    ids=["cut", "nothing", "a byte more", "padding", "not compressed", "damaged"],
)
def test_a_spoiled_body_is_400(coding: str, spoil: Callable[[bytes], bytes]) -> None:
    packed = PACK[coding](random.Random(1).randbytes(2000))
    if coding == "zstd":  # a frame has a checksum only if asked for
        packed = zstd.compress(CSV, options={zstd.CompressionParameter.checksum_flag: 1})
    with pytest.raises(ProblemError) as caught:
        list(decoded(pieces(spoil(packed), 100), coding))
    assert (caught.value.status_code, caught.value.problem_code) == (400, "invalid-coding")


@pytest.mark.parametrize("coding", PACK)
def test_a_bomb_comes_in_small_pieces_and_only_as_far_as_it_is_read(coding: str) -> None:
    bomb = PACK[coding](bytes(50_000_000))
    assert len(bomb) < 100_000
    stream = decoded([bomb], coding)
    assert len(next(stream)) <= PIECE_BYTES
    assert sum(map(len, decoded([bomb], coding))) == 50_000_000


def test_a_frame_may_not_ask_for_more_memory_than_http_allows() -> None:
    long_window = zstd.compress(
        random.Random(1).randbytes(9 * 1024 * 1024), options={zstd.CompressionParameter.window_log: 27}
    )
    with pytest.raises(ProblemError, match="zstd"):
        list(decoded([long_window], "zstd"))


def test_other_bodies_are_as_they_are() -> None:
    assert list(decoded([b"a", zlib.compress(b"b")], "")) == [b"a", zlib.compress(b"b")]


@pytest.mark.parametrize("coding", PACK)
def test_a_body_of_many_empty_members_is_400(coding: str) -> None:
    empty = PACK[coding](b"")
    with pytest.raises(ProblemError, match="too many tiny parts"):
        list(decoded(pieces(empty * 5000, 1024 * 1024), coding))
    assert list(decoded(pieces(empty * 900, 1024 * 1024), coding)) == []


@pytest.mark.parametrize("coding", PACK)
def test_a_body_of_many_small_members_is_decoded(coding: str) -> None:
    """As tools write it that compress block by block."""
    block = random.Random(1).randbytes(300)
    assert b"".join(decoded(pieces(PACK[coding](block) * 5000, 1024 * 1024), coding)) == block * 5000
