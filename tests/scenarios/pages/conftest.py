"""Fixtures of the tests of whole paths through the pages."""

from tests.support.firefox import ada_in_firefox, firefox, page_in_firefox, page_without_scripts
from tests.support.page_fixtures import make_job, signed_in

__all__ = ["ada_in_firefox", "firefox", "make_job", "page_in_firefox", "page_without_scripts", "signed_in"]
