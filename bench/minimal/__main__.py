"""`python -m bench.minimal`: creates the tables, fills them as often as it is told to, and drops them at the end."""

from __future__ import annotations

import django
from django.db import connection
from django.db.models import Model

from bench.counting import serve

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

from bench.minimal.models import Report  # noqa: E402

TABLES: tuple[type[Model], ...] = (Token, Report)


def create_tokens() -> None:
    """One for each account of `bench.web`, which knows them."""
    users = User.objects.filter(username__startswith="web-")
    Token.objects.bulk_create(Token(user=user, key=f"{user.pk:040}") for user in users)


def fill(rows: int) -> dict[str, int]:
    """Empty the table, give the accounts so many rows in turns, with ids from 1, and do what autovacuum would."""
    owners = list(Token.objects.order_by("user").values_list("user", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_minimal_report RESTART IDENTITY")
        Report.objects.bulk_create(
            Report(owner_id=owners[number % len(owners)], report_type="yearly-sales", status="done")
            for number in range(rows)
        )
        cursor.execute("VACUUM (ANALYZE) bench_minimal_report, authtoken_token")
    return {"rows": Report.objects.count()}


if __name__ == "__main__":
    with connection.schema_editor() as editor:
        for table in TABLES:
            editor.create_model(table)
    try:
        create_tokens()
        serve(fill)
    finally:
        with connection.schema_editor() as editor:
            for table in reversed(TABLES):
                editor.delete_model(table)
