"""The catalogue of error codes in docs/api.md against the code that emits them."""

import re

import pytest

from config.datafolder import BASE_DIR
from tests.emitted_codes import emitted_codes

#: | `code` | status | when | what to do | retry |
ROW = re.compile(r"^\| `(?P<code>[a-z-]+)` \| (?P<status>\d{3}) \| .{10,} \| .{5,} \| .{2,} \|$", re.MULTILINE)


@pytest.mark.xfail(strict=True, reason="docs/api.md does not say of each code what to do")
def test_the_catalogue_has_every_code_that_is_emitted_and_no_other() -> None:
    rows = {(row["code"], int(row["status"])) for row in ROW.finditer((BASE_DIR / "docs" / "api.md").read_text())}
    emitted = {(one.code, one.status or (422 if one.permanent else 500)) for one in emitted_codes()}
    assert rows == emitted
