"""pgbench is run as it is, and what it writes is understood."""

import os
import time

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from bench import pgbench
from bench.measuring import WrongWorkError

pytestmark = pytest.mark.django_db(transaction=True)


def databases() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bench%'")
        return [name for (name,) in cursor.fetchall()]


def test_latencies_are_measured_in_a_database_that_is_gone_afterwards() -> None:
    looks: list[float] = []
    with pgbench.pgbench_database(scale=1) as address:
        assert databases() == [pgbench.DATABASE]
        taken = pgbench.latencies(address, rate=400, seconds=1, look=lambda: looks.append(time.monotonic()))
        with psycopg.connect(address) as other:
            row = other.execute("SELECT count(*) FROM pgbench_history").fetchone()
        assert row == (len(taken),)
    assert min(taken) > 0
    assert len(looks) >= 3  # before, during, behind
    assert databases() == []


def test_what_an_earlier_run_left_is_replaced() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {pgbench.DATABASE}")
    with pgbench.pgbench_database(scale=1):
        pass
    assert databases() == []


def test_a_line_of_the_log_tells_the_time_from_when_the_transaction_was_due() -> None:
    assert list(pgbench.parse_log(["0 199 2241 0 1175850568 995598 1020", "1 7 500 0 1175850569 608 0"])) == [
        (1175850568.995598, 2.241),
        (1175850569.000608, 0.5),
    ]


@pytest.mark.parametrize("how", ["failed", "skipped"])
def test_a_transaction_that_was_not_done_is_wrong_work(how: str) -> None:
    with pytest.raises(WrongWorkError, match=f"a transaction of pgbench {how}"):
        list(pgbench.parse_log([f"0 199 {how} 0 1175850568 995598 1020"]))


def test_a_rate_that_cannot_be_kept_is_wrong_work() -> None:
    with (
        pgbench.pgbench_database(scale=1) as address,
        pytest.raises(WrongWorkError, match=r"pgbench came to [\d,]+ transactions per second, of 50,000 that were due"),
    ):
        pgbench.latencies(address, rate=50_000, seconds=0.01, look=lambda: None)


def test_a_pgbench_that_fails_is_wrong_work_and_says_why() -> None:
    address = make_conninfo(os.environ["DATABASE_URL"], dbname="not_there")
    with pytest.raises(WrongWorkError, match=r'pgbench failed: .*database "not_there" does not exist'):
        pgbench.latencies(address, rate=400, seconds=1, look=lambda: None)


def test_a_look_that_finds_something_wrong_ends_pgbench() -> None:
    looks: list[None] = []

    def look() -> None:
        looks.append(None)
        if len(looks) == 2:
            raise WrongWorkError("no report runs")

    with pgbench.pgbench_database(scale=1) as address:
        started = time.monotonic()
        with pytest.raises(WrongWorkError, match="no report runs"):
            pgbench.latencies(address, rate=400, seconds=60, look=look)
        assert time.monotonic() - started < 30
