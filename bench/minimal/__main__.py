"""`python -m bench.minimal`: creates the table, fills it as often as it is told to, and drops it at the end."""

from __future__ import annotations

import django
from django.db import connection

from bench.counting import serve

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from bench.minimal.models import Report  # noqa: E402


def fill(rows: int) -> dict[str, int]:
    """Empty the table, give each account with a token a row in turns, so many in all, and do what autovacuum would.

    Ids start at 1.
    """
    owners = list(User.objects.filter(auth_token_set__isnull=False).order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_minimal_report RESTART IDENTITY")
        Report.objects.bulk_create(
            Report(owner_id=owners[number % len(owners)], report_type="yearly-sales", status="done")
            for number in range(rows)
        )
        cursor.execute("VACUUM (ANALYZE) bench_minimal_report")
    return {"rows": Report.objects.count()}


if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Report)
    try:
        serve(fill)
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Report)
