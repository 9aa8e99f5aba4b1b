"""Reads environment variables (django-environ). docs/operations.md lists them; `config.settings` gives them defaults.

`make up` writes `$LONGHAUL_DATA/embedded.env` for the servers that it starts itself. That file is read here, so that
`manage.py` in another shell finds them; real environment variables win over it.
"""

from pathlib import Path
from typing import Final

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR: Final = Path(__file__).resolve().parent.parent

env: Final = environ.Env()
LONGHAUL_DATA: Final = Path(env.str("LONGHAUL_DATA", default=str(BASE_DIR / ".data"))).resolve()
_embedded_lines: list[str] = []
if (_file := LONGHAUL_DATA / "embedded.env").exists():
    env.read_env(_file)
    _embedded_lines = _file.read_text().splitlines()
#: True if both servers are the ones that `make up` started. Demo accounts exist only there.
EMBEDDED: Final = all(f"{key}={env.str(key, default='')}" in _embedded_lines for key in ("DATABASE_URL", "REDIS_URL"))


def secret_key(*, debug: bool) -> str:
    """SECRET_KEY, which only debugging can do without. Raises ImproperlyConfigured."""
    key: str = env.str("SECRET_KEY", default="insecure-for-debugging-only" if debug else "")
    if not key:
        raise ImproperlyConfigured(
            "Set the SECRET_KEY environment variable. (While `make up` runs, manage.py finds the key by itself, "
            f"in the folder LONGHAUL_DATA: {LONGHAUL_DATA}.)"
        )
    return key
