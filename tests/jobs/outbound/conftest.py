"""Names that tests let resolve as they like."""

from collections.abc import Iterator

import pytest

from jobs.outbound.resolving import forget_names


@pytest.fixture(autouse=True)
def no_name_is_remembered() -> Iterator[None]:
    """A result would be used again for a second."""
    forget_names()
    yield
    forget_names()
