"""The history of figures: what a record holds, where it goes, and that it names nobody."""

import getpass
import json
import platform
import re
from pathlib import Path
from typing import Any

import pytest

from bench import record
from bench.machine import Machine
from bench.measuring import Measured
from bench.sizes import QUICK
from bench.table import Row

MACHINE = Machine(
    at="2026-11-30T09:00:00+00:00",
    cpu="Intel(R) Xeon(R) Platinum 8488C CPU @ 2.40GHz",
    cores=2,
    memory_gb=25.3,
    kernel="Linux 6.12.0",
    load_average_at_start=0.1,
    python="3.11.7",
)
ROW = Row("order", "2 × POST", Measured("ours", [3.0, 1.0, 2.0], "/s"), None, 2.0, "×", 0.6)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    answers = {"rev-parse": "0123456789abcdef", "status": ""}
    monkeypatch.setattr(record, "git", lambda command, *rest: answers[command])
    return record.make_record(
        MACHINE, "PostgreSQL 18.4 (fsync on)", sizes=QUICK, quick=True, rows=[ROW], durations={"api": 12.34}
    )


def test_a_record_has_the_run_the_machine_and_all_figures(made: dict[str, Any]) -> None:
    assert made["machine"].pop("load_average_at_end") >= 0
    assert made == {
        "schema": 1,
        "at": "2026-11-30T09:00:00+00:00",
        "commit": "0123456789abcdef",
        "dirty": False,
        "machine": {
            "at": "2026-11-30T09:00:00+00:00",
            "cpu": "Intel(R) Xeon(R) Platinum 8488C CPU @ 2.40GHz",
            "cores": 2,
            "memory_gb": 25.3,
            "kernel": "Linux 6.12.0",
            "load_average_at_start": 0.1,
            "python": "3.11.7",
            "slug": "intel-xeon-platinum-8488c-2-cores",
            "postgresql": "PostgreSQL 18.4 (fsync on)",
        },
        "options": {
            "quick": True,
            **{name: getattr(QUICK, name) for name in ("lines", "rows", "seconds", "rate", "jobs", "requests")},
            **{name: getattr(QUICK, name) for name in ("backlog", "upload_rows", "repeat")},
        },
        "durations": {"api": 12.3},
        "rows": [
            {
                "name": "order",
                "work": "2 × POST",
                "ours": {
                    "name": "ours", "values": [3.0, 1.0, 2.0], "unit": "/s",
                    "median": 2.0, "lowest": 1.0, "highest": 3.0,
                },
                "beside": None,
                "value": 2.0,
                "unit": "×",
                "target": 0.6,
                "at_most": False,
                "met": True,
            }
        ],
    }  # fmt: skip


def test_records_of_one_day_and_commit_have_names_of_their_own_and_are_read_oldest_first(
    made: dict[str, Any], tmp_path: Path
) -> None:
    later = {**made, "at": "2026-11-30T10:00:00+00:00"}
    earlier = {**made, "at": "2026-11-29T10:00:00+00:00"}
    for each in (made, later, earlier):
        record.write_record(each, record.new_file(each, tmp_path))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "2026-11-29-01234567-intel-xeon-platinum-8488c-2-cores.json",
        "2026-11-30-01234567-intel-xeon-platinum-8488c-2-cores-2.json",
        "2026-11-30-01234567-intel-xeon-platinum-8488c-2-cores.json",
    ]
    assert record.read_records(tmp_path) == [earlier, made, later]


def test_a_record_of_another_schema_is_refused(made: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps({**made, "schema": 0}))
    with pytest.raises(ValueError, match=r"old\.json has schema 0, not 1"):
        record.read_records(tmp_path)


def test_all_kept_records_can_be_read_and_name_neither_host_nor_path() -> None:
    records = record.read_records()
    words = set(re.findall(r"[\w./-]+", json.dumps([*records, Machine().to_json("")])))
    assert words.isdisjoint({platform.node(), getpass.getuser()})
    assert [word for word in words if word.startswith(("/home", "/root", "/tmp", "/Users"))] == []  # noqa: S108
