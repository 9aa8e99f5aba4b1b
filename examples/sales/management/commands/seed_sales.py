from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from examples.sales.seeding import seed_sales


class Command(BaseCommand):
    help = "Replace the example shop's data with sample data. Everything in its four tables is deleted first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lines", type=int, required=True, metavar="N", help="how many order lines to make")
        parser.add_argument("--if-empty", action="store_true", help="do nothing if there are orders")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database to fill")

    def handle(self, *args: Any, lines: int, if_empty: bool, database: str, **options: Any) -> None:
        if lines < 0:
            raise CommandError(f"--lines must be 0 or more, not {lines}.")
        seeded = False
        for step in seed_sales(lines=lines, using=database, only_if_empty=if_empty):
            seeded = True
            self.stdout.write(f"{step.table:<18} {step.rows:>11,} rows {step.seconds:>7.1f} s")
        if not seeded:
            self.stdout.write("Orders exist already; nothing was changed.")
