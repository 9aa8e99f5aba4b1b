"""The admin pages of calls that their jobs do not show."""

from calls.staff import hosts, steps

__all__ = ["hosts", "steps"]
