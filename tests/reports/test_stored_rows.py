"""The first rows of a file, whatever its bytes are."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages

from jobs.errors import ArtifactDamagedError, ArtifactMissingError
from jobs.files import byte_ranges
from jobs.models import Artifact, Job
from jobs.states import State
from reports.stored_rows import DamagedContentError, StoredRows, read_rows
from tabular.dialect import ENCODINGS, Dialect

Store = Callable[[bytes], Artifact]


@pytest.fixture
def store(db: None, owner: User) -> Store:
    """A published file with these bytes."""

    def make(content: bytes) -> Artifact:
        job = Job.objects.create(
            owner=owner, kind="report", type="made", queue="reports", state=State.SUCCEEDED, max_attempts=1, payload={}
        )
        name = f"00/{job.pk}.1.result"
        with storages["artifacts"].open_for_writing(name) as file:  # type: ignore[attr-defined]
            file.write(content)
        return Artifact.objects.create(
            job=job, role="result", storage_name=name, filename="x.csv", content_type="text/csv", encoding="utf-8",
            row_count=1, size_bytes=len(content), sha256="ab" * 32, published_at=job.created_at,
        )  # fmt: skip

    return make


def read(artifact: Artifact, *, most_rows: int = 3, most_bytes: int = 1000, **dialect: Any) -> StoredRows:
    return read_rows(artifact, Dialect(**dialect), most_rows=most_rows, most_bytes=most_bytes)


def test_a_whole_file(store: Store) -> None:
    assert read(store(b"a,b\n1,2\n")) == StoredRows(["a", "b"], [["1", "2"]], is_cut=False)


@pytest.mark.parametrize("content", [b"", b"a,b\n"])
def test_a_file_without_rows(store: Store, content: bytes) -> None:
    found = read(store(content))
    assert (found.rows, found.is_cut) == ([], False)


def test_only_the_first_rows_of_a_longer_one(store: Store) -> None:
    found = read(store(b"n\n" + b"".join(b"%d\n" % number for number in range(9))))
    assert (found.headings, found.rows, found.is_cut) == (["n"], [["0"], ["1"], ["2"]], False)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_every_encoding_and_compression(store: Store, encoding: str, compression: str) -> None:
    name = "é" if encoding == "latin-1" else "温熱"
    content = f'名前,x\n"{name}\n""q""",1\n'.replace("名前", name).encode(encoding)
    artifact = store(gzip.compress(content) if compression == "gzip" else content)
    found = read(artifact, encoding=encoding, compression=compression)
    assert found == StoredRows([name, "x"], [[f'{name}\n"q"', "1"]], is_cut=False)


def test_every_delimiter(store: Store) -> None:
    assert read(store(b"a;b\n1;,2\n"), delimiter=";").rows == [["1", ",2"]]


def test_hostile_contents_are_only_text(store: Store) -> None:
    found = read(store(b"<b>,x\n<script>alert(1)</script>,\x00\x1b[31m\n1\n1,2,3,4\n\n\xff,\xc3\n"), most_rows=9)
    assert found.headings == ["<b>", "x", "", ""]
    assert found.rows == [
        ["<script>alert(1)</script>", "\x00\x1b[31m", "", ""],
        ["1", "", "", ""],
        ["1", "2", "3", "4"],
        ["", "", "", ""],
        ["\ufffd", "\ufffd", "", ""],
    ]


def test_a_row_that_goes_on_beyond_what_is_read_is_left_out(store: Store) -> None:
    found = read(store(b"a,b\n1,2\n" + b"3," + b"x" * 5000 + b"\n4,5\n"))
    assert (found.rows, found.is_cut) == ([["1", "2"]], True)
    first = read(store(b"a,b\n" + b'"' + b"x" * 5000 + b'",1\n'))
    assert (first.headings, first.rows, first.is_cut) == (["a", "b"], [], True)
    alone = read(store(b"x" * 5000 + b"\n1\n"))
    assert (alone.headings, alone.rows, alone.is_cut) == ([], [], True)


def test_a_character_that_is_cut_in_its_middle_does_no_harm(store: Store) -> None:
    content = b"n\n1\n" + "温".encode() * 400
    assert read(store(content), most_bytes=500) == StoredRows(["n"], [["1"]], is_cut=True)


def test_a_huge_file_is_read_for_one_block(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = store(b"n\n" + b"1\n" * 2_000_000)
    blocks: list[int] = []
    original = byte_ranges.StoredRange.__next__

    def counted(self: byte_ranges.StoredRange) -> bytes:
        block = original(self)
        blocks.append(len(block))
        return block

    monkeypatch.setattr(byte_ranges.StoredRange, "__next__", counted)
    assert read(artifact, most_bytes=256 * 1024).rows == [["1"]] * 3
    assert sum(blocks) == 256 * 1024


def test_a_bomb_is_unpacked_only_as_far_as_it_is_read(store: Store) -> None:
    artifact = store(gzip.compress(b"a\n" + b"0" * 200_000_000))
    assert artifact.size_bytes < 1_000_000
    found = read(artifact, most_bytes=300_000, compression="gzip")
    assert (found.headings, found.rows, found.is_cut) == (["a"], [], True)


def test_a_missing_a_shortened_and_a_damaged_file_are_told_apart(store: Store) -> None:
    with pytest.raises(DamagedContentError):
        read(store(b"a\n1\n"), compression="gzip")
    packed = bytearray(gzip.compress(b"a,b\n1,2\n" * 50))
    packed[14:20] = b"\xff" * 6
    with pytest.raises(DamagedContentError):
        read(store(bytes(packed)), compression="gzip")
    artifact = store(b"a\n1\n")
    artifact.size_bytes += 1
    with pytest.raises(ArtifactDamagedError):
        read(artifact)
    storages["artifacts"].delete(artifact.storage_name)
    with pytest.raises(ArtifactMissingError):
        read(artifact)
