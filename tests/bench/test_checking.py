"""Wrong work does not get into the table."""

import hashlib
from pathlib import Path

import pytest

from bench.checking import Inspector, require_defused_lines, require_same_bytes, require_same_rows
from bench.contenders import Made
from bench.measuring import WrongWorkError

HEADING = "line,order,ordered_at,channel,code,name,country,sku,product,category,quantity,price,discount,amount,note"
PLAIN = "1,1,2024-01-01 00:00:00+00,web,C1,=Ann,DE,S1,Tea,Food,-2,1.00,0.00,2.00,"
ITERATED = "1,1,2024-01-01 00:00:00+00:00,web,C1,=Ann,DE,S1,Tea,Food,-2,1.00,0.00,2.00,"
SAFE = "1,1,2024-01-01 00:00:00+00,web,C1,'=Ann,DE,S1,Tea,Food,-2,1.00,0.00,2.00,"


def written(folder: Path, name: str, *lines: str) -> Path:
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in (HEADING, *lines)))
    return file


def compared(folder: Path, *, iterated: list[str], safe: list[str]) -> tuple[int, int]:
    return require_same_rows(
        written(folder, "psql", PLAIN), written(folder, "iterated", *iterated), written(folder, "safe", *safe)
    )


def test_times_and_apostrophes_are_the_only_differences_allowed(tmp_path: Path) -> None:
    assert compared(tmp_path, iterated=[ITERATED], safe=[SAFE]) == (1, 1)


@pytest.mark.parametrize(
    ("iterated", "safe", "message"),
    [
        ([ITERATED.replace("Tea", "Coffee")], [SAFE], "iterator wrote something else"),
        ([ITERATED.replace("2024", "2023")], [SAFE], "iterator wrote something else"),
        ([ITERATED], [PLAIN.replace("Tea", "Coffee")], "more than apostrophes"),
        ([ITERATED], [SAFE.replace("-2", "'-2")], "more than apostrophes"),
    ],
)
def test_any_other_difference_is_wrong_work(tmp_path: Path, iterated: list[str], safe: list[str], message: str) -> None:
    with pytest.raises(WrongWorkError, match=message):
        compared(tmp_path, iterated=iterated, safe=safe)


def test_text_that_should_have_been_made_safe_is_wrong_work(tmp_path: Path) -> None:
    with pytest.raises(WrongWorkError, match="more than apostrophes"):
        compared(tmp_path, iterated=[ITERATED], safe=[PLAIN])


def test_a_missing_row_is_wrong_work(tmp_path: Path) -> None:
    with pytest.raises(WrongWorkError, match="not as many rows"):
        compared(tmp_path, iterated=[], safe=[SAFE])


def test_files_must_be_the_same_bytes(tmp_path: Path) -> None:
    one, other = written(tmp_path, "one", PLAIN), written(tmp_path, "other", SAFE)
    with pytest.raises(WrongWorkError, match="one and other differ"):
        require_same_bytes(one, other)


BROKEN = PLAIN + '"a\n=1"'
BROKEN_SAFE = PLAIN + '"a\n\'=1"'


def test_formulas_within_cells_are_defused_on_top_of_what_sql_makes(tmp_path: Path) -> None:
    ours, copied = written(tmp_path, "ours", SAFE, BROKEN_SAFE), written(tmp_path, "copied", SAFE, BROKEN)
    assert require_defused_lines(ours, copied) == 1


@pytest.mark.parametrize(
    ("ours", "copied"),
    [
        ([BROKEN], [BROKEN]),
        ([PLAIN], [SAFE]),
        ([BROKEN_SAFE.replace("Tea", "Coffee")], [BROKEN]),
        ([SAFE], [SAFE, SAFE]),
        ([SAFE, SAFE], [SAFE]),
    ],
)
def test_any_other_difference_from_what_sql_makes_is_wrong_work(
    tmp_path: Path, ours: list[str], copied: list[str]
) -> None:
    with pytest.raises(WrongWorkError, match="is not what its SQL makes"):
        require_defused_lines(written(tmp_path, "ours", *ours), written(tmp_path, "copied", *copied))


def test_a_false_sha256_is_wrong_work(tmp_path: Path) -> None:
    file = written(tmp_path, "one", PLAIN)
    with pytest.raises(WrongWorkError, match="SHA-256"):
        Inspector().inspect("ours", Made(file, row_count=1, sha256="0" * 64))


def test_all_runs_of_a_contender_must_write_the_same_and_only_the_last_file_is_kept(tmp_path: Path) -> None:
    files = [written(tmp_path, name, PLAIN) for name in ("one", "two")]
    inspector = Inspector()
    for file in files:
        inspector.inspect("ours", Made(file, sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
    assert [file.exists() for file in files] == [False, True]
    with pytest.raises(WrongWorkError, match="two runs wrote different files"):
        inspector.inspect("ours", Made(written(tmp_path, "three", SAFE)))
