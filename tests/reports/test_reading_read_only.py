"""A report's SQL stays within one statement of one read-only transaction, whatever it says."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.models import Artifact
from reports.reading import NotReadOnlyError, reading
from reports.types import SQL
from tests.support.results import Finished

pytestmark = pytest.mark.django_db(transaction=True)

#: Each closes the parenthesis that it is put into, leaves the transaction, writes, and opens another one.
ESCAPES = (
    "SELECT 1 AS n) AS q; COMMIT; CREATE TABLE escaped (n int); SELECT * FROM (SELECT 1 AS n",
    "SELECT 1 AS n) TO STDOUT; COMMIT; CREATE TABLE escaped (n int); COPY (SELECT 1 AS n",
    "SELECT 1 AS n; COMMIT; CREATE TABLE escaped (n int); SELECT 1 AS n",
)
#: Each is one statement that writes, or makes writing possible.
WRITES = (
    "WITH gone AS (DELETE FROM auth_user RETURNING id) SELECT * FROM gone",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT nextval('auth_user_id_seq')",
    "SELECT lo_create(0)",
    "SELECT query_to_xml('DELETE FROM auth_user', true, false, '')",
)


def written() -> bool:
    """Whether anything of what they try was done."""
    return "escaped" in connection.introspection.table_names() or not User.objects.exists()


@pytest.fixture(autouse=True)
def _no_leftovers(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS escaped")


@pytest.mark.parametrize("text", [*ESCAPES, *WRITES])
def test_what_would_write_fails_for_good_and_nothing_is_done(
    text: str, run_order: Callable[..., Finished], report_of: Callable[..., str]
) -> None:
    finished = run_order(report_of(SQL(text)))
    assert not written()
    assert (finished.job.state, finished.error[0]) == ("dead", "query-refused")
    assert not Artifact.objects.exists()


@pytest.mark.parametrize("text", ESCAPES)
def test_a_preview_refuses_a_second_statement(text: str, owner: User, report_of: Callable[..., str]) -> None:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(owner)
    answer = client.post("/api/reports/preview", {"reportType": report_of(SQL(text))}, format="json")
    assert not written()
    assert (answer.status_code, answer.json()["code"]) == (422, "query-refused")


def test_a_query_that_becomes_another_role_publishes_nothing(
    run_order: Callable[..., Finished], report_of: Callable[..., str], settings: Settings
) -> None:
    settings.REPORTS_LOGIN = {}  # the owner of the tables may become another role; the login for reports may not
    finished = run_order(report_of(SQL("SELECT set_config('role', 'pg_read_all_data', false) AS role")))
    assert (finished.job.state, finished.error[0]) == ("dead", "not-read-only")
    assert finished.job.attempts.get().rows == 1  # it was read to its end
    assert finished.content is None


def test_a_session_that_began_another_transaction_is_noticed(transactional_db: None) -> None:
    with (
        pytest.raises(NotReadOnlyError),
        reading("default", application_name="longhaul test", statement_timeout_seconds=5) as session,
        session.cursor() as cursor,
    ):
        cursor.execute("COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@pytest.mark.parametrize("text", ["COMMIT", "SELECT $1::int", "", "SELECT"])
def test_what_yields_no_columns_is_refused(
    text: str, run_order: Callable[..., Finished], report_of: Callable[..., str]
) -> None:
    finished = run_order(report_of(SQL(text)))
    assert (finished.job.state, finished.error[0]) == ("dead", "query-refused")
