"""Mistakes in a report type show before the first order."""

from reports.checks import check_report_types
from reports.registry import register
from reports.types import ReportType


def test_the_bundled_types_pass() -> None:
    assert check_report_types(None) == []


def test_a_queue_and_a_database_that_do_not_exist_are_named(report_types: dict[str, ReportType]) -> None:
    @register
    class Lost(ReportType):
        identifier = "lost"
        title = "Lost"
        queue = "nowhere"
        database = "moon"

    assert [(found.id, found.msg, found.obj) for found in check_report_types(None)] == [
        ("reports.E001", "No queue is named 'nowhere'.", Lost),
        ("reports.E002", "No database is named 'moon'.", Lost),
    ]
