"""The tables of calls."""

from calls.models.step import Step

__all__ = ["Step"]
