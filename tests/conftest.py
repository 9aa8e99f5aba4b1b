"""Fixtures for the whole suite; `tests/support/servers.py` has started the servers by now."""

import asyncio
import shutil
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import connection, connections
from django_prometheus.middleware import Metrics
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from calls.hosts import gatekeeper
from jobs.dispatch import insertion
from jobs.dispatch.remembered_queue import forget_queues
from tests.support import buckets
from tests.support.complaints import complaints_of
from tests.support.flushing import keep_seeds
from tests.support.migrated import create_database, name_of_database
from tests.support.servers import throw_away
from tests.support.stack import WORKERS, Stack
from tests.support.tokens import client_of
from tests.support.waiting import wait_until

#: The same examples in each run, so that a change is judged by what it changed. "explore" looks for new ones.
#: How long an example takes says nothing on a busy machine.
hypothesis_settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("explore", derandomize=False, print_blob=True)
hypothesis_settings.load_profile("steady")

#: Files that take longest, mostly because they wait for the clock; then folders whose tests start many processes.
LONGEST = (
    "test_make_up.py",
    "test_workers.py",
    "test_on_call.py",
    "test_schemathesis.py",
    "test_running.py",
    "test_alerts.py",
    "test_chaos.py",
    "test_runbook.py",
    "test_export_pacing.py",
)
LONG = {"bench", "config", "faults", "fuzz"}
#: A test that asks for one of these, if through others, needs services, a browser or an S3 server.
SERVICES = {"all_services", "s3_server"}
#: These take longer than the rest.
LONGER = (
    "test_accessibility.py",
    "test_firefox.py",
    "test_pages_in_chromium.py",
    "test_health.py",
    "test_queueing.py",
    "test_patterns.py",
)
#: The shell starts in half the time, as it is the browser without its windows.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session", autouse=True)
def static_files_by_name() -> None:
    """Each test client makes the middleware anew: WhiteNoise is not to read 250 static files each time."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def metrics_of_requests() -> None:
    """Each test client makes the middleware anew, and two threads that do so at once would register them twice."""
    Metrics.get_instance()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """It goes with its servers, and to drop it takes seconds."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    request: pytest.FixtureRequest,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    """pytest-django calls it when it has chosen a name, before it runs `migrate` in the database of this name."""
    with django_db_blocker.unblock():
        create_database(name_of_database(), folder=request.config.cache.mkdir("migrated"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, whose tables are emptied by `tests/support/flushing.py`.

    At the end nobody has a session there: those of a process that was killed end a moment after it.
    """
    with django_db_blocker.unblock():
        keep_seeds()
        yield
        name = connection.settings_dict["NAME"]
        connections.close_all()
    sessions = "SELECT application_name, state, query FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as other:
        with suppress(AssertionError):
            wait_until(lambda: not other.execute(sessions, [name]).fetchall(), timeout=5)
        if left := other.execute(sessions, [name]).fetchall():
            warnings.warn(f"sessions that nobody closed: {left}", stacklevel=1)


@pytest.fixture(scope="session")
def all_services(django_db_setup: None) -> Iterator[Stack]:
    """Nothing runs yet: `stack` and `live_url` start what they need."""
    name = str(connection.settings_dict["NAME"])
    if not name.startswith("test_"):
        pytest.fail("no test of this run asks for the database: use `stack`, or `transactional_db` beside `live_url`")
    stack = Stack(throw_away.folder, database_url=throw_away.database_url(name))
    yield stack
    stack.stop_all()


@pytest.fixture
def stack(all_services: Stack, transactional_db: None) -> Iterator[Stack]:
    """Real Celery workers over the test database, alive at the start of the test.

    They start once per run; a test that kills one has it back in the next test. It implies
    `django_db(transaction=True)`: the workers must see what the test commits, and the tables are
    flushed afterwards (which seeds the queues anew, as `migrate` does).
    """
    all_services.ensure_workers()
    yield all_services
    all_services.drain()


@pytest.fixture(scope="session")
def live_url(all_services: Stack) -> str:
    """The address of a gunicorn over the test database; needs `transactional_db` or `stack` beside it."""
    all_services.ensure_web()
    return all_services.url


@pytest.fixture(autouse=True)
def web_server_is_back(request: pytest.FixtureRequest) -> None:
    """An earlier test may have ended the web server, and failed before it was started again."""
    if "live_url" in request.fixturenames:
        request.getfixturevalue("all_services").ensure_web()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Once a browser has started, its event loop runs in this thread; a test without a browser does not see it.

    Such a test may run coroutines of its own.
    """
    if "playwright" in getattr(item, "fixturenames", ()):
        return (yield)
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(loop)


@pytest.fixture(autouse=True)
def threads_of_hosts_end() -> Iterator[None]:
    """Calls that a test runs in this process leave no thread behind that asks the database."""
    yield
    gatekeeper.stop_gatekeeper()
    gatekeeper._of_processes.clear()


@pytest.fixture(scope="session")
def playwright(playwright: Playwright) -> Iterator[Playwright]:
    """While its event loop runs in this thread, Django has other connections there, which end before it does."""
    yield playwright
    connections.close_all()


@pytest.fixture(scope="session")
def launch_browser(launch_browser: Callable[..., Browser]) -> Callable[..., Browser]:
    """It is closed after the last test, which may be one that does not see its event loop."""

    def launch(**options: Any) -> Browser:
        browser, loop = launch_browser(**options), asyncio._get_running_loop()
        close = browser.close

        def close_in_its_loop(**reason: Any) -> None:
            asyncio._set_running_loop(loop)
            close(**reason)

        browser.close = close_in_its_loop  # type: ignore[method-assign]
        return browser

    return launch


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium instead of one that Playwright downloads."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], live_url: str) -> dict[str, Any]:
    """`page.goto("/reports")` goes to our own server."""
    return {**browser_context_args, "base_url": live_url}


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """A page may take its time while other tests start their services."""
    context.set_default_navigation_timeout(90_000)
    return context


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What Chromium complains about, violations of the CSP among it. A test fails that leaves something here."""
    complaints = complaints_of(page)
    yield complaints
    assert complaints == []


@pytest.fixture
def browser(transactional_db: None, browser: Any) -> Any:
    """Before the address is asked for, the database must be there."""
    return browser


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark each test that starts programs as slow. Others that take long say so themselves."""
    if starts_many_processes(item) or SERVICES.intersection(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.slow)


def starts_many_processes(item: pytest.Item) -> bool:
    return not LONG.isdisjoint(item.path.relative_to(item.config.rootpath).parts)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no process has one left when the others are done. Else it is random.

    pytest-xdist would put those with few tests last, which are the longest: hence `--no-loadscope-reorder`.
    """
    rank = {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        if starts_many_processes(item):
            return rank.get(item.path.name, len(rank))
        return rank.get(item.path.name, len(rank) + (1 if item.path.name in LONGER else 2))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the services' last lines beside a failed test that used them."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        for name in (*WORKERS, "web"):
            report.sections.append((f"last lines of {name}", stack.log(name)[-4000:]))
    return report


@pytest.fixture(autouse=True)
def no_remembered_queues() -> None:
    """A test knows nothing of the queues of the test before."""
    forget_queues()
    insertion._busy.clear()
    insertion._limited.clear()


@pytest.fixture
def owner(db: None) -> User:
    """The user whose jobs a test is about."""
    return User.objects.create_user("ada")


@pytest.fixture
def api(owner: User) -> APIClient:
    """A client of the API that sends a token of the owner."""
    return client_of(owner)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 server; `s3` empties its bucket for each test."""
    with buckets.s3_server() as url:
        yield url


@pytest.fixture
def s3(s3_server: str) -> str:
    """The URL of an S3 server with an empty bucket."""
    buckets.empty(s3_server)
    return s3_server


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The URL of the test database, for a process that a test starts itself."""
    return throw_away.database_url(str(connection.settings_dict["NAME"]))


@pytest.fixture
def stored() -> Callable[[], set[str]]:
    """The names that the artifact storage has got since the test began."""

    def names() -> set[str]:
        storage = storages["artifacts"]
        if not storage.exists(""):
            return set()
        return {f"{folder}/{name}" for folder in storage.listdir("")[0] for name in storage.listdir(folder)[1]}

    before = names()
    return lambda: names() - before
