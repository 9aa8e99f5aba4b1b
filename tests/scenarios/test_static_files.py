"""Static files as an image has them: collected, with hashed names, compressed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from config.stack.datafolder import BASE_DIR
from jobs.checks import check_collected_files

pytestmark = pytest.mark.slow
#: What the page of the test does not need, and takes long.
IGNORED = ("admin", "unfold", "rest_framework", "drf_spectacular_sidecar")
#: Prints a page, and the header fields of its stylesheet.
ASK = """
import re, django
django.setup()
from django.test import Client
page = Client().get("/api/errors").content.decode()
path, *_ = re.findall(r'href="(/static/[^"]*\\.css)"', page)
answer = Client().get(path, headers={"Accept-Encoding": "gzip"})
print(path, answer.status_code, answer["Content-Encoding"], answer["Cache-Control"], answer["Vary"], sep="\\n")
"""


def test_collected_files_have_hashed_names_are_compressed_and_cached_for_years(
    tmp_path: Path, database_url: str
) -> None:
    environment = {
        **os.environ, "DATABASE_URL": database_url, "STATIC_ROOT": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings", "ALLOWED_HOSTS": "testserver",
    }  # fmt: skip

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120, check=True
        ).stdout

    run("manage.py", "collectstatic", "--noinput", *(f"--ignore={name}" for name in IGNORED))
    path, status, encoding, caching, vary = run("-c", ASK).splitlines()
    assert re.fullmatch(r"/static/longhaul/longhaul\.[0-9a-f]{12}\.css", path)
    assert (status, encoding, vary) == ("200", "gzip", "Accept-Encoding")
    assert "immutable" in caching
    assert int(re.findall(r"max-age=(\d+)", caching)[0]) >= 365 * 24 * 3600
    imported = imports_of(tmp_path / "longhaul", "upload.*.js")
    assert len(imported) >= 6
    assert all(re.fullmatch(r"upload/[a-z]+\.[0-9a-f]{12}\.js", name) for name in imported)


def imports_of(folder: Path, pattern: str) -> set[str]:
    """The modules that a script loads, and that those load, relative to the folder. Each exists."""
    found: set[str] = set()
    [script] = folder.glob(pattern)
    scripts = [script]
    while scripts:
        script = scripts.pop()
        for name in re.findall(r'from "(\./[^"]+)"', script.read_text()):
            module = script.parent / name
            scripts.append(module)
            found.add(str(module.relative_to(folder)))
    return found


def test_a_root_in_which_nothing_was_collected_is_an_error(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    assert [error.id for error in check_collected_files(None)] == ["jobs.E006"]
    (tmp_path / "staticfiles.json").touch()
    assert check_collected_files(None) == []
