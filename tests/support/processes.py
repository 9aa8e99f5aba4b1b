"""Find and end what a data folder's stack runs; each test has a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from config.stack.datafolder import BASE_DIR
from tests.support.servers import FOREIGN


def launch(module: str, data: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start `python -m MODULE` on a data folder, as `make` would, with a clean environment."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=BASE_DIR,
        env=clean_environment(data, **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def clean_environment(data: Path, **environment: str) -> dict[str, str]:
    """What a process on this data folder runs with: nothing of the tests' own servers."""
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**inherited, "LONGHAUL_DATA": str(data), **environment}


def processes_of(data: Path) -> list[psutil.Process]:
    """Every process that has the folder in its command line or its environment; `info["cmdline"]` keeps the former."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            mentions = [*(process.info["cmdline"] or []), process.environ().get("LONGHAUL_DATA", "")]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and any(str(data) in text for text in mentions):
            found.append(process)
    return found
