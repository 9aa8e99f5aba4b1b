"""Bodies become parts: when each is committed, and what is kept of a body that does not arrive as a whole."""

import hashlib
from collections.abc import Callable, Iterator

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from jobs.errors import StorageUnavailableError
from jobs.files.storage import FolderFile
from jobs.http.parsers import RequestTimeoutError
from jobs.http.problems import ProblemError
from tests.support.manual_clock import Clock
from uploads.models import ResumableUpload, UploadPart
from uploads.resumable.checksums import Checksum
from uploads.resumable.claiming import take_over
from uploads.resumable.errors import OvertakenError, PartLostError
from uploads.resumable.parts import SMALL_PART_BYTES, blocks_of
from uploads.resumable.receiving import receive_parts

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1024 * 1024
Make = Callable[..., ResumableUpload]
Stored = Callable[[], set[str]]


def parts() -> list[tuple[int, bytes]]:
    """First byte and bytes of each committed part."""
    return [(part.first_byte, b"".join(blocks_of(part))) for part in UploadPart.objects.all()]


def assert_nothing_else_is_stored(stored: Stored) -> None:
    assert stored() == set(UploadPart.objects.values_list("storage_name", flat=True))


def cut(*pieces: bytes, error: Exception) -> Iterator[bytes]:
    yield from pieces
    raise error


GONE = (ProblemError(400, "incomplete-body", "gone"), RequestTimeoutError("slow"))


def test_a_body_is_a_part(make: Make, stored: Stored) -> None:
    upload = take_over(make(10))
    assert receive_parts(upload, [b"ab", b"c"], None) is None
    row = ResumableUpload.objects.get()
    assert (parts(), row.offset_bytes, upload.offset_bytes) == ([(0, b"abc")], 3, 3)
    assert (row.expires_at, upload.expires_at > row.created_at) == (upload.expires_at, True)
    assert_nothing_else_is_stored(stored)


def test_a_part_is_committed_at_its_size_and_after_its_time(
    make: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RESUMABLE_PART_BYTES, settings.RESUMABLE_PART_SECONDS = 3 * MB, 10
    clock = Clock()
    monkeypatch.setattr("uploads.resumable.receiving.time.monotonic", clock)
    upload = take_over(make(100 * MB))
    offsets = []

    def pieces() -> Iterator[bytes]:
        for seconds, size in ((0, 2 * MB), (0, MB), (0, 10), (11, 10), (0, MB), (9, 10)):
            yield bytes(size)
            offsets.append(ResumableUpload.objects.get().offset_bytes)
            clock.now += seconds

    receive_parts(upload, pieces(), None)
    assert offsets == [0, 3 * MB, 3 * MB, 3 * MB, 4 * MB + 20, 4 * MB + 20]
    assert [(part.first_byte, part.size_bytes) for part in UploadPart.objects.all()] == [
        (0, 3 * MB),
        (3 * MB, MB + 20),
        (4 * MB + 20, 10),
    ]


@pytest.mark.parametrize("error", GONE, ids=["gone", "slow"])
def test_what_has_arrived_of_a_body_is_kept(error: Exception, make: Make, stored: Stored) -> None:
    upload = take_over(make(10))
    with pytest.raises(type(error)):
        receive_parts(upload, cut(b"abc", b"d", error=error), None)
    assert parts() == [(0, b"abcd")]
    with pytest.raises(type(error)):
        receive_parts(upload, cut(error=error), None)
    assert ResumableUpload.objects.get().offset_bytes == 4
    assert_nothing_else_is_stored(stored)


def test_with_a_checksum_all_of_a_body_is_kept_or_nothing(make: Make, stored: Stored, settings: Settings) -> None:
    settings.RESUMABLE_PART_BYTES = 1
    upload = take_over(make(10))
    right = hashlib.sha1(b"abc", usedforsecurity=False).digest()
    for error in GONE:
        with pytest.raises(type(error)):
            receive_parts(upload, cut(b"abc", error=error), Checksum("sha1", right))
    with pytest.raises(ProblemError, match="sha1"):
        receive_parts(upload, [b"ab", b"d"], Checksum("sha1", right))
    assert (stored(), ResumableUpload.objects.get().offset_bytes) == (set(), 0)
    receive_parts(upload, [b"ab", b"c"], Checksum("sha1", right))
    assert parts() == [(0, b"abc")]


def test_the_part_that_completes_the_file_is_left_to_the_caller(make: Make, stored: Stored, settings: Settings) -> None:
    settings.RESUMABLE_PART_BYTES = 2
    upload = take_over(make(4))
    last = receive_parts(upload, [b"ab", b"cd"], None)
    assert last is not None
    assert (last.part.first_byte, last.part.size_bytes, parts()) == (2, 2, [(0, b"ab")])
    assert (ResumableUpload.objects.get().offset_bytes, len(stored())) == (2, 2)
    last.discard()
    assert_nothing_else_is_stored(stored)


def test_small_parts_become_one(make: Make, stored: Stored) -> None:
    """However small the requests are, a file of some GB has some thousand parts."""
    upload = take_over(make(100 * MB))
    for piece in (b"a", b"b", b"c"):
        receive_parts(upload, [piece], None)
    assert parts() == [(0, b"abc")]
    receive_parts(upload, [bytes(SMALL_PART_BYTES)], None)
    receive_parts(upload, [b"d"], None)
    assert [(part.first_byte, part.size_bytes) for part in UploadPart.objects.all()] == [(0, MB + 3), (MB + 3, 1)]
    receive_parts(upload, [], None)
    assert UploadPart.objects.count() == 2
    assert_nothing_else_is_stored(stored)


def test_a_request_that_was_overtaken_stops_at_its_next_commit(make: Make, stored: Stored, settings: Settings) -> None:
    settings.RESUMABLE_PART_BYTES = 3
    first = take_over(make(100))

    def pieces() -> Iterator[bytes]:
        yield b"abc"
        take_over(first)
        yield b"d"
        yield b"ef"
        pytest.fail("it went on")

    with pytest.raises(OvertakenError):
        receive_parts(first, pieces(), None)
    assert parts() == [(0, b"abc")]
    assert_nothing_else_is_stored(stored)


def test_a_small_part_that_was_absorbed_by_an_overtaken_request_stays(make: Make, stored: Stored) -> None:
    first = take_over(make(100))
    receive_parts(first, [b"abc"], None)
    second = take_over(first)
    with pytest.raises(OvertakenError):
        receive_parts(first, [b"xyz"], None)
    receive_parts(second, [b"def"], None)
    assert parts() == [(0, b"abcdef")]
    assert_nothing_else_is_stored(stored)


@pytest.mark.parametrize("method", ["write", "sync", "close"])
def test_a_storage_that_fails_is_an_outage_and_leaves_nothing(
    method: str, make: Make, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    upload = take_over(make(100))
    with monkeypatch.context() as full:
        full.setattr(FolderFile, method, fail, raising=False)
        with pytest.raises(StorageUnavailableError):
            receive_parts(upload, [b"abc"], None)
    assert (stored(), ResumableUpload.objects.get().offset_bytes) == (set(), 0)
    receive_parts(upload, [b"abc"], None)
    assert parts() == [(0, b"abc")]


def test_a_small_part_that_storage_has_lost_is_not_absorbed(make: Make, stored: Stored) -> None:
    upload = take_over(make(100))
    receive_parts(upload, [b"abc"], None)
    storages["artifacts"].delete(UploadPart.objects.get().storage_name)
    with pytest.raises(PartLostError) as lost:
        receive_parts(upload, [b"def"], None)
    assert (lost.value.part, stored()) == (UploadPart.objects.get(), set())
