"""A small shop for the tests of this folder."""

import pytest

from examples.sales.seeding import seed_sales

LINES = 1000


@pytest.fixture
def shop(db: None) -> int:
    """The sample data with few lines; the value says how many."""
    list(seed_sales(lines=LINES, using="default"))
    return LINES
