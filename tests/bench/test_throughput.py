"""What the contenders of the throughput are made of, and what is noticed when one did not do its work."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from bench import peers, throughput
from bench.counting import wait_for
from bench.measuring import WrongWorkError
from bench.peers import DJANGO_TASKS, PROCRASTINATE, Peer
from bench.sender import sender
from config.stack.datafolder import BASE_DIR, DataFolder


@pytest.mark.parametrize("counts", [{"succeeded": 19, "attempts": 20}, {"succeeded": 20, "attempts": 21}])
def test_a_job_too_few_or_an_attempt_too_many_is_wrong_work(counts: dict[str, int]) -> None:
    throughput.require_all("Longhaul", {"succeeded": 20, "attempts": 20}, jobs=20)
    with pytest.raises(WrongWorkError, match=r"Longhaul: of 20 jobs, (succeeded: 19|attempts: 21)"):
        throughput.require_all("Longhaul", counts, jobs=20)


def test_what_does_not_come_is_not_waited_for_for_ever() -> None:
    counts = iter([0, 1, 1])
    assert wait_for(3, lambda: next(counts, 1), stalled_seconds=0.1) == 1
    assert wait_for(3, lambda: 3) == 3


def test_without_a_worker_nothing_is_counted(tmp_path: Path) -> None:
    (tmp_path / "counts_nothing.py").write_text(
        "from bench import bare, counting\ncounting.wait_for.__kwdefaults__['stalled_seconds'] = 0.1\n"
        "counting.serve(bare.order_and_wait)\n"
    )
    tally = tmp_path / "tally"
    tally.touch()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "BENCH_TALLY": str(tally)}
    del environment["DJANGO_SETTINGS_MODULE"]
    with sender("counts_nothing", environment) as order:
        counts = order(3)
    assert counts == {"ran": 0}
    with pytest.raises(WrongWorkError, match="bare Celery: of 3 jobs, ran: 0"):
        throughput.require_all("bare Celery", counts, jobs=3)


def test_a_sender_that_ends_is_wrong_work(capfd: pytest.CaptureFixture[str]) -> None:
    with sender("bench.not_there", os.environ) as order, pytest.raises(WrongWorkError, match=r"bench\.not_there ended"):
        order(1)
    assert "No module named bench.not_there" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        ("bench.bare", None),
        ("bench.usual.celery", "bench.usual.settings"),
        ("bench.minimal.wsgi", "bench.minimal.settings"),
        ("bench.procrastinate.__main__", "bench.procrastinate.settings"),
        ("bench.django_tasks.__main__", "bench.django_tasks.settings"),
    ],
)
def test_the_peers_contain_nothing_of_longhaul(module: str, settings: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    if settings:
        environment["DJANGO_SETTINGS_MODULE"] = settings
    load = "hasattr(m, 'app') and m.app.loader.import_default_modules()"
    program = f"import sys, importlib; m = importlib.import_module({module!r}); {load}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    packages = {name.split(".")[0] for name in modules}
    assert packages & {"celery", "procrastinate", "django_tasks_db"}
    assert not packages & {"config", "examples", "jobs", "reports", "tabular"}
    assert ("django.db" in modules) == (settings is not None)


@pytest.mark.django_db
def test_the_usual_table_is_no_part_of_the_product() -> None:
    assert [name for name in connection.introspection.table_names() if name.startswith("bench")] == []


@pytest.mark.parametrize("peer", [PROCRASTINATE, DJANGO_TASKS], ids=lambda peer: peer.module)
def test_a_peer_does_each_of_its_jobs_once_and_leaves_nothing(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "CONCURRENCY", 1)
    folder = DataFolder(tmp_path)
    folder.claim(port=0)
    try:
        with ExitStack() as stack:
            order = peer.start(folder, stack)
            assert [order(3), order(2)] == [{"succeeded": 3, "starts": 3}, {"succeeded": 2, "starts": 2}]
    finally:
        folder.release()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bench%'").fetchall()
    assert left == []
