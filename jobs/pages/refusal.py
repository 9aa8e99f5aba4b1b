"""Why an action on a job's page, or an order, was refused."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """The message on a job's page about an action that was refused: a heading, and a sentence with the reason."""

    heading: str
    reason: str
