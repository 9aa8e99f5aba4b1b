"""The README's curl session, run word for word."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

from django.contrib.auth.models import User

from config.stack.datafolder import BASE_DIR
from examples.sales.models import Product
from examples.sales.seeding import seed_sales
from tests.support.stack import Stack
from tests.support.waiting import wait_until


def test_the_curl_session_of_the_readme_ends_with_a_file_and_a_row(
    stack: Stack, live_url: str, database_url: str, tmp_path: Path
) -> None:
    User.objects.create_user("demo")
    list(seed_sales(lines=1000, using="default"))
    found = re.search(r"```bash\n(.*?)```", (BASE_DIR / "README.md").read_text(), re.DOTALL)
    assert found is not None
    session = found[1].replace("http://127.0.0.1:8000", live_url)
    session = session.replace(".venv/bin/python manage.py", f"{sys.executable} {BASE_DIR}/manage.py")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", session],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "202 Accepted" in done.stdout
    assert '"status":"Complete"' in done.stdout
    wait_until(lambda: Product.objects.filter(sku="A-1", name="Bolt").exists(), message="the product is uploaded")
    with (tmp_path / "yearly-sales.csv").open(newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading[:3] == ["Month", "Category", "Orders"]
    assert {row[0][:4] for row in rows} == {"2023"}
