"""Stock clients of tus: tuspy, tus-js-client in Node.js and in Chromium, and Uppy, over networks that fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from config.stack.datafolder import BASE_DIR
from jobs.models import Artifact, Job, Queue
from tests.support.apps.warehouse.models import Tenant
from tests.support.proxies import Proxy
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.tus import Tus, items_file, source_of
from tests.support.waiting import wait_until
from uploads.models import ResumableUpload

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1024 * 1024
SIZE = 20 * MB
INSTALLED = Path(sys.prefix) / "tus"
ENVIRONMENT = {"NODE_PATH": str(INSTALLED / "node_modules"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
METADATA = {"uploadType": "items", "filename": "items.csv", "filetype": "text/csv"}
#: Uploads a file of so many bytes in a page; the answer is what went wrong, or empty, and how often it was retried.
IN_A_PAGE = """
async ({endpoint, headers, metadata, text, client, chunkBytes}) => {
  const file = new File([text], metadata.filename, {type: "text/csv"});
  const options = {
    endpoint, headers, metadata, chunkSize: chunkBytes || Infinity, retryDelays: [0, 200, 500, 1000, 2000],
  };
  if (client === "tus") {
    return await new Promise((done) => {
      new tus.Upload(file, {...options, onError: (error) => done(String(error)), onSuccess: () => done("")}).start();
    });
  }
  const uppy = new Uppy({meta: {uploadType: metadata.uploadType}}).use(Tus, {...options, limit: 2});
  uppy.addFile({name: file.name, type: file.type, data: file});
  const {failed} = await uppy.upload();
  return failed.map((one) => String(one.error)).join();
}
"""


@pytest.fixture(autouse=True)
def tenant(owner: User) -> None:
    Tenant.objects.create(code=owner.get_username())
    Queue.objects.filter(name="uploads").update(paused=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 20 MB."""
    path = tmp_path / "items.csv"
    path.write_bytes(items_file(SIZE))
    return path


@pytest.fixture
def bundle() -> Path:
    """The clients as a page gets them."""
    if not (INSTALLED / "bundle.js").exists():
        pytest.fail("this test needs the clients that `make .venv/tus/bundle.js` installs, by npm")
    return INSTALLED / "bundle.js"


def assert_received(data: bytes | None = None) -> None:
    """One job, with the file as it was sent."""
    job, sent = Job.objects.get(), items_file(SIZE) if data is None else data
    assert (job.payload["file"]["filename"], Artifact.objects.get().size_bytes) == ("items.csv", len(sent))
    assert source_of(job) == sent
    assert ResumableUpload.objects.get().job_id == job.pk


@pytest.mark.parametrize("with_checksum", [False, True])
def test_tuspy_goes_on_in_a_new_process(with_checksum: bool, live_url: str, owner: User, file: Path) -> None:
    client = TusClient(f"{live_url}/api/uploads/resumable", headers={"Authorization": f"Bearer {bearer_of(owner)}"})
    options: dict[str, Any] = {"chunk_size": 6 * MB, "upload_checksum": with_checksum}
    first = client.uploader(str(file), metadata=METADATA, **options)
    first.upload(stop_at=12 * MB)
    assert ResumableUpload.objects.get().offset_bytes == 12 * MB
    second = client.uploader(str(file), url=first.url, **options)
    assert second.offset == 12 * MB
    second.upload()
    assert_received()


def test_tuspy_tries_again_when_the_queue_has_room(live_url: str, owner: User, file: Path) -> None:
    """It takes an offset at the end of the file for success, so a refused upload must not be there."""
    client = TusClient(f"{live_url}/api/uploads/resumable", headers={"Authorization": f"Bearer {bearer_of(owner)}"})
    uploader = client.uploader(str(file), metadata=METADATA, chunk_size=15 * MB)
    uploader.upload_chunk()  # type: ignore[no-untyped-call]
    Queue.objects.filter(name="uploads").update(accepting=False)
    with pytest.raises(TusCommunicationError):
        uploader.upload_chunk()  # type: ignore[no-untyped-call]
    assert uploader.offset == uploader.get_offset() == 15 * MB
    Queue.objects.filter(name="uploads").update(accepting=True)
    uploader.upload()
    assert_received()


def node(endpoint: str, owner: User, file: Path, *options: str) -> list[str]:
    """The command that uploads a file with tus-js-client."""
    if not shutil.which("node"):
        pytest.fail("this test needs Node.js: on Debian run: apt-get install nodejs npm")
    script = BASE_DIR / "tests" / "clients" / "tus" / "upload.cjs"
    return ["node", str(script), f"{endpoint}/api/uploads/resumable", bearer_of(owner), str(file), *options]


def run_node(command: list[str]) -> list[str]:
    """Method, status and location of each answer."""
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.strip() for line in done.stdout.splitlines()]


def methods(seen: list[str]) -> list[str]:
    """Method and status of each answer."""
    return [" ".join(line.split()[:2]) for line in seen]


@pytest.mark.parametrize(
    ("options", "answers"),
    [
        ([], ["POST 201", "PATCH 204"]),
        ([str(6 * MB)], ["POST 201", "PATCH 204", "PATCH 204", "PATCH 204", "PATCH 204"]),
        (["0", "during-creation"], ["POST 201"]),
    ],
    ids=["one request", "chunks", "during creation"],
)
def test_tus_js_client(
    options: list[str], answers: list[str], bundle: Path, live_url: str, owner: User, file: Path
) -> None:
    seen = run_node(node(live_url, owner, file, *options))
    assert methods(seen) == answers
    assert_received()


def test_tus_js_client_over_a_network_that_fails(bundle: Path, live_url: str, owner: User, file: Path) -> None:
    with Proxy(live_url, cuts=[6 * MB, 12 * MB, 18 * MB]) as proxy:
        seen = run_node(node(proxy.url, owner, file))
        assert proxy.cuts_left == []
    assert [" ".join(line.split()[:2]) for line in seen] == [
        "POST 201",
        "HEAD 200",
        "HEAD 200",
        "HEAD 200",
        "PATCH 204",
    ]
    assert_received()


def test_tus_js_client_that_loses_the_last_answer(bundle: Path, live_url: str, owner: User, file: Path) -> None:
    with Proxy(live_url, loses_answer_after=SIZE) as proxy:
        seen = run_node(node(proxy.url, owner, file))
    assert seen[-1] == f"HEAD 200 /api/uploads/{Job.objects.get().pk}/status"
    assert_received()


def test_tus_js_client_goes_on_after_it_was_overtaken(bundle: Path, live_url: str, owner: User, file: Path) -> None:
    """After a cut, Chromium repeats a request by itself, so the client may be told that it was overtaken."""
    with Proxy(live_url, holds_after=12 * MB) as proxy:
        command = node(proxy.url, owner, file)
        with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as sending:
            wait_until(proxy.is_holding.is_set, timeout=60, message="some bytes arrive")
            Tus(live_url, owner).head(f"{live_url}/api/uploads/resumable/{ResumableUpload.objects.get().pk}")
            proxy.go_on()
            seen, _ = sending.communicate(timeout=120)
    assert methods(seen.splitlines()) == ["POST 201", "PATCH 409", "HEAD 200", "PATCH 204"]
    assert_received()


def test_of_two_tus_js_clients_that_send_the_same_file_each_ends(
    bundle: Path, live_url: str, owner: User, file: Path
) -> None:
    """Each overtakes the other for a while, asks for the offset and goes on, until the whole file is there."""
    with Proxy(live_url, holds_after=12 * MB) as proxy:
        sending = [subprocess.Popen(node(proxy.url, owner, file), env=ENVIRONMENT, stdout=subprocess.DEVNULL)]
        wait_until(proxy.is_holding.is_set, timeout=60, message="some bytes arrive")
        token = ResumableUpload.objects.get().fencing_token
        sending.append(subprocess.Popen(node(proxy.url, owner, file), env=ENVIRONMENT, stdout=subprocess.DEVNULL))
        taken_over = ResumableUpload.objects.filter(fencing_token__gt=token)
        wait_until(taken_over.exists, timeout=60, every=0.001, message="the second client takes the upload over")
        proxy.go_on()
        ends = [one.wait(timeout=120) for one in sending]
    assert ends == [0, 0]
    assert_received()


def test_tus_js_client_goes_on_in_a_new_process(bundle: Path, live_url: str, owner: User, file: Path) -> None:
    command = node(live_url, owner, file, str(MB))
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as first:
        sent = ResumableUpload.objects.filter(offset_bytes__gt=2 * MB)
        wait_until(sent.exists, timeout=60, every=0.01, message="some bytes arrive")
        first.kill()
    seen = run_node(command)
    assert seen[0] == "HEAD 200"
    assert len(seen) < 20
    assert_received()


@pytest.fixture
def other_origin(tmp_path: Path, bundle: Path) -> Iterator[str]:
    """The address of an application that has bundled the clients."""
    folder = tmp_path / "application"
    folder.mkdir()
    shutil.copy(bundle, folder)
    (folder / "index.html").write_text('<!DOCTYPE html><title>x</title><script src="bundle.js"></script>')

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("client", ["tus", "uppy"])
def test_a_page_of_another_origin_with_a_token(
    client: str, other_origin: str, stack: Stack, browser: Browser, owner: User
) -> None:
    with stack.web_with(CORS_ALLOWED_ORIGINS=other_origin), Proxy(stack.url, cuts=[6 * MB, 12 * MB]) as proxy:
        page = browser.new_page()
        page.goto(other_origin)
        values = {
            "client": client,
            "endpoint": f"{proxy.url}/api/uploads/resumable",
            "headers": {"Authorization": f"Bearer {bearer_of(owner)}"},
            "metadata": METADATA,
            "text": items_file(SIZE).decode(),
        }
        assert page.evaluate(IN_A_PAGE, values) == ""
        assert proxy.cuts_left == []
        page.close()
    assert_received()


@pytest.mark.parametrize("client", ["tus", "uppy"])
def test_a_page_of_ours_with_a_session(client: str, bundle: Path, live_url: str, browser: Browser, owner: User) -> None:
    """The page is ours, except for the script that the test adds to it."""
    ours = Client()
    ours.force_login(owner)
    with browser.new_context(bypass_csp=True) as context:
        session = ours.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
        page = context.new_page()
        page.goto(f"{live_url}/reports/new")
        page.add_script_tag(path=bundle)
        values = {
            "client": client,
            "endpoint": "/api/uploads/resumable",
            "headers": {},
            "metadata": METADATA,
            "text": items_file(SIZE).decode(),
            "chunkBytes": 8 * MB,
        }
        assert "403" in page.evaluate(IN_A_PAGE, values)
        token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "csrftoken")
        assert page.evaluate(IN_A_PAGE, {**values, "headers": {"X-CSRFToken": token}}) == ""
    assert_received()
