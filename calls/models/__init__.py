"""The tables of calls."""

from calls.models.host import Host, Turn
from calls.models.step import Step

__all__ = ["Host", "Step", "Turn"]
