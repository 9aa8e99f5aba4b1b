"""The admin pages of calls that their jobs do not show."""

from calls.staff import steps

__all__ = ["steps"]
