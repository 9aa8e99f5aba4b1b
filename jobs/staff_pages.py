"""What the `admin.py` of another app builds its pages with. Apps may not import `jobs.admin`, which may change.

Pages are like those of `jobs`: read-only, with actions that ask for a reason. `register_permissions` says which roles
may do what, and `register_job_links` links the page of a job to the app's own.
"""

from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from jobs.admin.facts import FactsAdmin, Table
from jobs.admin.forms import ReasonForm
from jobs.admin.job_links import JobLink, register_job_links
from jobs.admin.job_page import formatted
from jobs.admin.owners import OwnerFilter, owner_with_lists
from jobs.admin.read_only import ReadOnlyAdmin
from jobs.admin.row_actions import RowAction, confirm_rows
from jobs.admin.showing import link_to
from jobs.maintenance.roles import register_permissions

__all__ = [
    "DropdownFilter", "FactsAdmin", "JobLink", "OwnerFilter", "ReadOnlyAdmin", "ReasonForm", "RowAction", "Table",
    "confirm_rows", "display", "formatted", "link_to", "owner_with_lists", "register_job_links", "register_permissions",
]  # fmt: skip
