"""The tutorial of docs/extending.md, followed word for word: its files, its commands, and what they print."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import requests
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client

from config.stack.datafolder import BASE_DIR
from config.stack.probing import answers, free_port
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TUTORIAL: Final = (
    (BASE_DIR / "docs" / "extending.md").read_text().split("\n## Tutorial", 1)[1].split("\n## Add a report type", 1)[0]
)
#: A fenced block, with the last line of the paragraph before it.
BLOCK: Final = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)```", re.DOTALL)
#: The path of a file: in its first line, or in the sentence before it.
PATH: Final = re.compile(r"[# `]~/([\w./-]+)")
END: Final = "--- end of block ---"
#: Another database of Redis, so that the workers of the other tests leave these jobs alone.
REDIS_DATABASE: Final = "7"


class Block(NamedTuple):
    before: str
    language: str
    text: str

    @property
    def path(self) -> str:
        found = PATH.search(self.text.splitlines()[0]) or PATH.search(self.before)
        assert found is not None, f"this file has no path: {self.text}"
        return found[1]


BLOCKS: Final = [Block(*found.groups()) for found in BLOCK.finditer(TUTORIAL)]


def test_each_block_is_a_file_a_command_or_an_output() -> None:
    assert len(BLOCKS) == TUTORIAL.count("\n```\n")
    assert {block.language for block in BLOCKS} == {"python", "csv", "bash", "sh", "text"}
    assert [block.text for block in BLOCKS if block.language == "sh"] == ["make up\n"]


def test_an_upload_type_takes_at_most_thirty_lines() -> None:
    [declared] = [block.text for block in BLOCKS if block.language == "python" and "upload_types" in block.path]
    ast.parse(declared)
    assert len(declared.splitlines()) <= 30


@pytest.fixture
def no_weather_afterwards(transactional_db: None) -> Iterator[None]:
    """The table that the tutorial creates goes again."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS weather_measurement")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'weather'")
    ContentType.objects.filter(app_label="weather").delete()


def test_the_tutorial_does_what_it_says(
    all_services: Stack, no_weather_afterwards: None, database_url: str, tmp_path: Path
) -> None:
    User.objects.create_superuser("staff")
    for block in BLOCKS:
        if block.language in ("python", "csv"):
            (tmp_path / block.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.path).write_text(block.text)
    environment = {
        "HOME": str(tmp_path),
        "DATABASE_URL": database_url,
        "REDIS_URL": re.sub(r"/\d+$|$", f"/{REDIS_DATABASE}", os.environ["REDIS_URL"], count=1),
    }
    apps = {"PYTHONPATH": str(tmp_path / "longhaul-apps"), "EXTRA_APPS": "weather"}
    port = free_port()
    with ExitStack() as running:
        # Of `make up`, whose start has tests of its own, what the commands use.
        options = ["--bind", f"127.0.0.1:{port}", "--workers", "1"]
        for name, words in (("web", options), ("worker-csv", ["--concurrency", "1"])):
            running.enter_context(
                all_services.running(name, as_name=f"{name}-weather", options=words, **environment, **apps)
            )
        livez = f"http://127.0.0.1:{port}/livez"
        wait_until(lambda: answers(livez) or not all_services.is_running("web-weather"), timeout=60)
        assert answers(livez), all_services.log("web-weather")[-3000:]
        assert_prints_what_is_shown(environment, port)
        client = Client()
        client.force_login(User.objects.get())
        page = requests.get(
            f"http://127.0.0.1:{port}/reports/new", cookies={"sessionid": client.cookies["sessionid"].value}, timeout=30
        )
        assert "Temperatures of a station" in page.text


def assert_prints_what_is_shown(environment: dict[str, str], port: int) -> None:
    """All commands run in one shell, as a reader would type them."""
    commands = [block.text for block in BLOCKS if block.language == "bash"]
    script = f"\necho '{END}'\n".join(commands)
    script = script.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    script = script.replace(".venv/bin/python", sys.executable)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=BASE_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed = dict(zip(commands, ran.stdout.split(f"{END}\n"), strict=True))
    shown = [(command.text, output.text) for command, output in pairwise(BLOCKS) if output.language == "text"]
    said = {command: text.replace("\r\n", "\n").rstrip() for command, text in printed.items()}
    assert [(command, said[command]) for command, _ in shown] == [(command, text.rstrip()) for command, text in shown]
