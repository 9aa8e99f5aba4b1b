"""Upload memory: the peaks of a real worker's pool process and of the web server, at few rows and at many."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import requests

from bench.articles.files import write_articles
from bench.articles.table import article_table, empty
from bench.loaders import summary_of
from bench.measuring import Measured, WrongWorkError
from bench.memory import FEW, MB
from bench.registry import Setting
from bench.table import Row
from bench.waiting import wait_for_end
from bench.web import OURS, Account, WebServer, create_accounts, web_server
from bench.worker import csv_worker, peak_bytes
from config.stack.probing import HOST
from config.stack.stopping import say
from jobs.models import Job

DEADLINE_SECONDS: Final = 1800
#: Small uploads before the one that is measured, so that each process of the web server has probably received some.
WARM_UP: Final = 12


def run(setting: Setting) -> list[Row]:
    """Peak resident sizes after a file of few new rows, and after one of many, each in processes of its own."""
    say("upload-memory: measuring")
    [account, *_] = create_accounts()
    sizes = (FEW, setting.rows)
    workers: dict[int, list[float]] = {rows: [] for rows in sizes}
    webs: dict[int, list[float]] = {rows: [] for rows in sizes}
    with article_table():
        for _ in range(setting.repeat):
            for rows in sizes:
                worker, web = peaks_of(setting, account, rows)
                say(f"  {rows:,} rows: worker {worker:.1f} MB, web {web:.1f} MB")
                workers[rows].append(worker)
                webs[rows].append(web)
    return [
        row("upload-memory", "worker process", workers, rows=setting.rows),
        row("upload-memory-web", "web process that has the most", webs, rows=setting.rows),
    ]


def row(name: str, process: str, figures: dict[int, list[float]], *, rows: int) -> Row:
    """How many megabytes more at many rows."""
    few, many = (Measured(f"{count:,} rows", figures[count], "MB") for count in (FEW, rows))
    work = f"peak memory of the {process}, uploads"
    return Row(name, work, many, few, many.median - few.median, "MB more", 10.0, at_most=True)


def peaks_of(setting: Setting, account: Account, rows: int) -> tuple[float, float]:
    """Megabytes of the worker's process, and of the largest process of the web server."""
    few, many = (write_articles(setting.folder.path / f"articles-{count}.csv", count) for count in (FEW, rows))
    with csv_worker(setting.folder) as pool_pid, web_server(setting.folder, "config.wsgi", OURS) as server:
        for _ in range(WARM_UP):
            insert(server, account, few, FEW)
        insert(server, account, many, rows)
        web = max(peak_bytes(process.pid) for process in server.processes)
        return peak_bytes(pool_pid) / MB, web / MB


def insert(server: WebServer, account: Account, file: Path, rows: int) -> None:
    """Upload into the empty table and wait for the worker. Raises WrongWorkError unless all rows are new."""
    empty()
    url = f"http://{HOST}:{server.port}/api/uploads?uploadType=bench-articles"
    with file.open("rb") as content:
        headers = {"Authorization": account.ours, "Content-Type": "text/csv"}
        answer = requests.post(url, data=content, headers=headers, timeout=DEADLINE_SECONDS)
    if answer.status_code != 202:
        raise WrongWorkError(f"the upload was answered with {answer.status_code}: {answer.text[:500]}")
    job = wait_for_end(Job.objects.get(pk=answer.json()["id"]), seconds=DEADLINE_SECONDS)
    if (inserted := summary_of(job)["rowsInserted"]) != rows:
        raise WrongWorkError(f"of {rows:,} rows {inserted:,} were inserted")
