"""Reports are read as a login that cannot write, and that does not see Longhaul's own tables."""

from collections.abc import Callable

import pytest

from reports.types import SQL
from tests.reports.conftest import Finished

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDDEN = (
    "SELECT payload FROM jobs_job",
    "SELECT * FROM jobs_apitoken",
    "SELECT session_data FROM django_session",
    "SELECT password FROM auth_user",
    "SELECT pg_read_file('/etc/passwd')",
)


@pytest.mark.xfail(strict=True, reason="reports are read as the owner of all tables, a superuser")
@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_is_no_reports_business_is_refused(
    text: str, run_order: Callable[..., Finished], report_of: Callable[..., str]
) -> None:
    finished = run_order(report_of(SQL(text)))
    assert (finished.job.state, finished.error[0]) == ("dead", "query-refused")
    assert finished.content is None
