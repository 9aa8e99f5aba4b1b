"""The fixtures of all tests of pages."""

from tests.support.page_fixtures import ada_page, signed_in

__all__ = ["ada_page", "signed_in"]
