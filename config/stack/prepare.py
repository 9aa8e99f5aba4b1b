"""Bring the database and the static files up to date before the services start.

    python -m config.stack.prepare [--static] [--demo LINES]

One process runs up to four `manage.py` commands, because loading Django takes most of their time. `--static` replaces
the folder STATIC_ROOT by the collected static files. `--demo` creates the demo accounts and, in an empty database, that
many lines of sample sales.
"""

import argparse
import os
import sys

import django
from django.core.management import call_command


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="prepare")
    parser.add_argument("--demo", metavar="LINES", type=int)
    parser.add_argument("--static", action="store_true")
    options = parser.parse_args()
    lines: int | None = options.demo

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if options.static:
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    say("Updating the database's tables")
    call_command("migrate", interactive=False, verbosity=0)
    if lines is not None:
        say("Creating the demo accounts, and sample sales if there are none")
        call_command("create_demo_accounts", verbosity=0)
        call_command("seed_sales", if_empty=True, lines=lines)


if __name__ == "__main__":
    main()
