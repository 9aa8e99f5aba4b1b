"""Reports run as a login that cannot write, and that does not see Longhaul's own tables."""

from collections.abc import Callable, Iterator

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection
from pytest_django import Settings

from examples.sales.models import Customer
from reports.reader import prepare_reader
from reports.types import SQL
from tests.support.results import Finished

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDDEN = (
    "SELECT payload FROM jobs_job",
    "SELECT * FROM jobs_apitoken",
    "SELECT session_data FROM django_session",
    "SELECT password FROM auth_user",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user",
    "SELECT rolpassword FROM pg_authid",
    "SELECT set_config('role', 'postgres', false)",
    "SELECT set_config('session_authorization', 'postgres', false)",
)


@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_is_no_reports_business_is_refused(
    text: str, run_order: Callable[..., Finished], report_of: Callable[..., str]
) -> None:
    finished = run_order(report_of(SQL(text)))
    assert (finished.job.state, finished.error[0]) == ("dead", "query-refused")
    assert finished.content is None


def test_tables_of_apps_and_users_without_their_passwords_are_read(
    run_order: Callable[..., Finished], report_of: Callable[..., str], report_types: dict[str, object]
) -> None:
    Customer.objects.create(code="C1", name="Ada", country="JP")
    query = Customer.objects.values("code")
    assert run_order(report_of(query)).content == b"code\nC1\n"
    del report_types["made"]
    assert run_order(report_of(SQL("SELECT username FROM auth_user"))).content == b"username\nada\n"


@pytest.fixture
def made_by_hand(transactional_db: None) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE made_by_hand AS SELECT 7 AS n")
        yield "made_by_hand"
        cursor.execute("DROP TABLE made_by_hand")


def test_a_table_that_is_made_later_can_be_read(
    made_by_hand: str, run_order: Callable[..., Finished], report_of: Callable[..., str]
) -> None:
    assert run_order(report_of(SQL("SELECT n FROM made_by_hand"))).content == b"n\n7\n"


def test_a_right_that_was_given_to_a_private_table_is_taken_back_and_the_rest_stays(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "GRANT SELECT ON jobs_job TO longhaul_reports; REVOKE SELECT ON sales_customer FROM longhaul_reports"
        )
        prepare_reader()
        cursor.execute(
            "SELECT has_table_privilege('longhaul_reports', 'jobs_job', 'SELECT'),"
            " has_table_privilege('longhaul_reports', 'sales_customer', 'SELECT'),"
            " has_table_privilege('longhaul_reports', 'sales_customer', 'INSERT, UPDATE, DELETE, TRUNCATE')"
        )
        assert cursor.fetchall() == [(False, True, False)]


def test_the_login_is_made_with_its_password_by_migrate(transactional_db: None, settings: Settings) -> None:
    settings.REPORTS_LOGIN = {"USER": "reports of a test", "PASSWORD": "it's secret"}
    with connection.cursor() as cursor:
        prepare_reader()
        cursor.execute(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, left(rolpassword, 13) FROM pg_authid"
            " WHERE rolname = 'reports of a test'"
        )
        assert cursor.fetchall() == [(True, False, False, False, "SCRAM-SHA-256")]
        cursor.execute('DROP OWNED BY "reports of a test"; DROP ROLE "reports of a test"')


def test_the_login_cannot_write(transactional_db: None) -> None:
    assert run_checks(tags=[Tags.database], databases=["default"]) == []


@pytest.mark.parametrize(
    ("login", "code", "says"),
    [
        ({}, "reports.W001", "Reports run as the login postgres, a superuser."),
        ({"USER": "nobody_here", "PASSWORD": ""}, "reports.W002", 'role "nobody_here" does not exist'),
    ],
)
def test_a_login_that_may_write_or_is_missing_is_warned_of(
    login: dict[str, str], code: str, says: str, transactional_db: None, settings: Settings
) -> None:
    settings.REPORTS_LOGIN = login
    [warning] = run_checks(tags=[Tags.database], databases=["default"])
    assert warning.id == code
    assert says in warning.msg
    assert run_checks(tags=[Tags.database]) == []


def test_a_login_that_may_write_to_one_table_is_warned_of(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT DELETE ON sales_customer TO longhaul_reports")
        try:
            [warning] = run_checks(tags=[Tags.database], databases=["default"])
        finally:
            cursor.execute("REVOKE DELETE ON sales_customer FROM longhaul_reports")
    assert warning.msg == "Reports run as the login longhaul_reports, which can write to public.sales_customer."
